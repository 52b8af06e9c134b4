/* SPDX-License-Identifier: Apache-2.0 */
/* The keys with which users pay vendors themselves.  They are in the vault; the user document only
 * names the providers for which there has ever been one, so that the others need not be looked
 * for. */
#pragma once

#include "users.h"

enum { MODEL_KEY_NAME_SIZE = UID_MAX + 32 }; /* of a secret's name in the vault */

struct provider {
    const char *name;        /* "openai" */
    const char *member;      /* of `apiKeys`; NULL: users have none of their own */
    const char *environment; /* whose key the others use */
};

/* NULL: unknown. */
const struct provider *provider_find(const char *name);

/* {"openaiApiKey": null or "sk-…abcd", ...} of the user document. */
int model_key_masks(const struct users *users, const json_t *user, json_t **ret_masks,
                    struct ein_error *err);

int model_key_put(const struct users *users, const char *uid, const struct provider *provider,
                  const char *key, struct ein_error *err);
int model_key_del(const struct users *users, const char *uid, const struct provider *provider,
                  struct ein_error *err); /* NOT_FOUND */

/* model_keys/1 */
int model_key_get(void *impl, const char *user_id, const char *provider, char **ret_key,
                  const char **ret_source, struct ein_error *err);
void model_key_wipe(void *impl, char *take_key);
