/* SPDX-License-Identifier: Apache-2.0 */
/* Who a key acts as.
 *
 * A key is its owner, and has the workspaces and the rights of a site admin no longer than they
 * do.  What the owner is, is known from two sides: they were here, logged in; or their provider was
 * asked since.  It is kept in the set "api_key_owners", one document for each user, and
 *   - the provider is asked again when what it said is older than `recheck_ms`;
 *   - where it cannot be asked, what is known lapses after `unconfirmed_hours`.  The key is then
 *     its owner in their own things alone, those of their personal workspace included;
 *   - a provider that says that they may not log in any more, or that they are in none of its
 *     workspaces any more, without which nobody logs in but a site admin, locks their keys until
 *     it says otherwise or they are here again;
 *   - the rights of a site admin, which no provider vouches for, need both: the scope "admin", and
 *     an owner who was here within `unconfirmed_hours`; and who was one by the list of site admins
 *     is none from when they are taken from it. */
#pragma once

#include "api_keys.h"

#define OWNER_SET                                                                                  \
    "api_key_owners" /* `_id` is the uid; {"email"?, "name"?, "provider"?, "workspaces", "admin",  \
                        "listed", "seen", "confirmed", "asked", "locked"} */

/* The owner's document; a new one that says nothing if there is none. */
int key_owner_load(const struct api_keys *self, const char *uid, json_t **ret_owner,
                   struct ein_error *err);

/* The document of somebody who is here and logged in.  NULL: no memory. */
json_t *key_owner_seen(const struct api_keys *self, const struct ein_identity *identity);

/* Writes that they were here, if there is a document and this is news of a minute, or more. */
void key_owner_touch(const struct api_keys *self, const struct ein_identity *identity);

bool key_owner_is_locked(const json_t *owner);

/* The claims of KEY, which is OWNER's, for auth_provider/1; with "limits" where it has some.  NULL:
 * no memory. */
json_t *key_owner_claims(const struct api_keys *self, const json_t *key, const json_t *owner);

/* Asks the provider later, if it is time to. */
void key_owner_recheck(struct api_keys *self, const json_t *owner);
