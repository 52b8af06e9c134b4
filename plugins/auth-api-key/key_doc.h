/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of keys. */
#pragma once

#include "api_keys.h"
#include "clock.h"
#include "member.h"
#include "schemas.h"
#include "scopes.h"

/* What its owner is shown of a key: never the hash, and no more of its text than tells it from
 * others.  NULL: no memory. */
json_t *key_show(const struct api_keys *self, const json_t *key);
int key_reply(const struct api_keys *self, struct ein_req *req, const json_t *key);

/* The key ID, if it is UID's (NULL: whoever's) and has not been revoked; NOT_FOUND in the store's
 * words. */
int keys_find(const struct api_keys *self, const char *uid, const char *id, json_t **ret_key,
              struct ein_error *err);
/* The caller's that the path names, likewise. */
int keys_find_own(const struct api_keys *self, const struct ein_req *req, json_t **ret_key,
                  struct ein_error *err);

/* A key with limits of its own makes none that has others.  0, or the status of the refusal. */
int keys_check_unlimited(const struct api_keys *self, struct ein_req *req);

/* What the caller has done to a key, for audit/1; a failure is logged. */
void keys_audit(const struct api_keys *self, const struct ein_req *req, const char *action,
                const char *key_id, json_t *take_details);

/* clang-format off */
#define KEY_MEMBERS_SCHEMA \
    "\"_id\": {\"type\": \"string\"}," \
    "\"name\": {\"type\": \"string\"}," \
    "\"prefix\": {\"type\": \"string\", \"description\": \"How the key begins: eink_ab12…\"}," \
    "\"scopes\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}," \
    "\"createdAt\": " SCHEMA_TIME "," \
    "\"expiresAt\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}," \
    "\"lastUsedAt\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}," \
    "\"madeBy\": {\"type\": [\"string\", \"null\"], \"description\": \"The key that made it; null: its owner did\"}," \
    "\"models\": {\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"string\"}}," \
    "\"budget\": {\"type\": [\"object\", \"null\"]," \
    " \"required\": [\"limit\", \"period\", \"remaining\", \"resetsAt\"], \"properties\": {" \
    "\"limit\": {\"type\": \"number\"}, \"period\": {\"type\": \"string\"}," \
    "\"remaining\": {\"type\": [\"number\", \"null\"], \"description\": \"US dollars, in this period; null: not known at the moment\"}," \
    "\"resetsAt\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}}}," \
    "\"rates\": {\"type\": [\"object\", \"null\"], \"properties\": {" \
    "\"requests\": {\"type\": \"integer\"}, \"tokens\": {\"type\": \"integer\"}}}"
#define KEY_REQUIRED \
    "\"_id\", \"name\", \"prefix\", \"scopes\", \"createdAt\", \"expiresAt\", \"lastUsedAt\", \"madeBy\", \"models\", \"budget\", \"rates\""

#define KEY_NAME_SCHEMA \
    "\"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 100, \"pattern\": \"^[^[:cntrl:]]+$\"}"
#define KEY_LIMITS_SCHEMA \
    "\"models\": {\"type\": [\"array\", \"null\"], \"minItems\": 1, \"maxItems\": 100," \
    " \"items\": {\"type\": \"string\", \"maxLength\": 256, \"pattern\": \"^[^/*[:cntrl:] ]+/[^*[:cntrl:] ]*[*]?$\"}," \
    " \"description\": \"The models that it may ask, each provider/model, or how such names begin and *; null: all\"}," \
    "\"budget\": {\"type\": [\"object\", \"null\"], \"required\": [\"limit\"], \"properties\": {" \
    "\"limit\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 4000000, \"description\": \"US dollars\"}," \
    "\"period\": {\"type\": \"string\", \"enum\": [\"day\", \"week\", \"month\", \"total\"], \"default\": \"month\"}}," \
    " \"description\": \"What it may spend; null: what its owner may\"}," \
    "\"rates\": {\"type\": [\"object\", \"null\"], \"properties\": {" \
    "\"requests\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 1000000000}," \
    "\"tokens\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 1000000000}}," \
    " \"description\": \"Of models, a minute; null, or absent: as the server has it for all keys\"}"

#define KEY_UPDATE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"ApiKeyUpdate\", \"properties\": {" \
    KEY_NAME_SCHEMA "," KEY_LIMITS_SCHEMA "}}"
#define KEY_CREATE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"ApiKeyCreate\", \"required\": [\"name\", \"scopes\"], \"properties\": {" \
    KEY_NAME_SCHEMA "," KEY_LIMITS_SCHEMA "," \
    "\"scopes\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 16," \
    " \"items\": {\"type\": \"string\", \"pattern\": \"" SCOPE_PATTERN "\"}}," \
    "\"expiresIn\": {\"type\": [\"integer\", \"null\"], \"minimum\": 1, \"maximum\": 3153600000," \
    " \"default\": null, \"description\": \"Seconds; null: as long as it may live\"}}}"
#define KEY_SCHEMA \
    "{\"type\": \"object\", \"title\": \"ApiKey\", \"required\": [" KEY_REQUIRED "]," \
    " \"properties\": {" KEY_MEMBERS_SCHEMA "}}"
#define ANY_KEY_SCHEMA \
    "{\"type\": \"object\", \"title\": \"AnyApiKey\", \"required\": [\"userId\", " KEY_REQUIRED "]," \
    " \"properties\": {\"userId\": {\"type\": \"string\"}," KEY_MEMBERS_SCHEMA "}}"
#define ANY_KEY_LIST_SCHEMA "{\"type\": \"array\", \"items\": " ANY_KEY_SCHEMA "}"
#define ANY_KEY_QUERY_SCHEMA \
    "{\"type\": \"object\", \"properties\": {" PAGE_PROPERTIES "," \
    "\"user_id\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 380, \"description\": \"Whose\"}}}"
#define REVOKED_SCHEMA \
    "{\"type\": \"object\", \"required\": [\"revokedCount\"]," \
    " \"properties\": {\"revokedCount\": {\"type\": \"integer\"}}}"
#define KEY_LIST_SCHEMA "{\"type\": \"array\", \"items\": " KEY_SCHEMA "}"
#define KEY_MADE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"NewApiKey\", \"required\": [" KEY_REQUIRED ", \"key\"]," \
    " \"properties\": {" KEY_MEMBERS_SCHEMA "," \
    " \"key\": {\"type\": \"string\", \"description\": \"The key itself, shown this once\"}}}"
/* clang-format on */
