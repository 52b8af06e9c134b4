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
json_t *key_show(const json_t *key);

/* The key that the path names, if it is the caller's and has not been revoked; NOT_FOUND in the
 * store's words. */
int keys_find_own(const struct api_keys *self, const struct ein_req *req, json_t **ret_key,
                  struct ein_error *err);

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
    "\"madeBy\": {\"type\": [\"string\", \"null\"], \"description\": \"The key that made it; null: its owner did\"}"
#define KEY_REQUIRED \
    "\"_id\", \"name\", \"prefix\", \"scopes\", \"createdAt\", \"expiresAt\", \"lastUsedAt\", \"madeBy\""

#define KEY_CREATE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"ApiKeyCreate\", \"required\": [\"name\", \"scopes\"], \"properties\": {" \
    "\"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 100, \"pattern\": \"^[^[:cntrl:]]+$\"}," \
    "\"scopes\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 16," \
    " \"items\": {\"type\": \"string\", \"pattern\": \"" SCOPE_PATTERN "\"}}," \
    "\"expiresIn\": {\"type\": [\"integer\", \"null\"], \"minimum\": 1, \"maximum\": 3153600000," \
    " \"default\": null, \"description\": \"Seconds; null: as long as it may live\"}}}"
#define KEY_SCHEMA \
    "{\"type\": \"object\", \"title\": \"ApiKey\", \"required\": [" KEY_REQUIRED "]," \
    " \"properties\": {" KEY_MEMBERS_SCHEMA "}}"
#define KEY_LIST_SCHEMA "{\"type\": \"array\", \"items\": " KEY_SCHEMA "}"
#define KEY_MADE_SCHEMA \
    "{\"type\": \"object\", \"title\": \"NewApiKey\", \"required\": [" KEY_REQUIRED ", \"key\"]," \
    " \"properties\": {" KEY_MEMBERS_SCHEMA "," \
    " \"key\": {\"type\": \"string\", \"description\": \"The key itself, shown this once\"}}}"
/* clang-format on */
