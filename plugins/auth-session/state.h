/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth_session.h"
#include "token.h"

enum { STATE_SIZE = 64 }; /* bytes, with the NUL */

/* What a login takes along to the provider.  Nothing of it is kept while somebody is there: the
 * state is signed, and says for which provider and until when; the other two follow from it for
 * whoever has the key, which all servers of one store have. */
struct login_secrets {
    char state[STATE_SIZE];
    char verifier[TOKEN_SIZE], nonce[TOKEN_SIZE];
};

/* Reads the key, or makes it. */
int state_load_key(struct auth_session *self, struct ein_error *err);

int state_make(const struct auth_session *self, const char *provider,
               struct login_secrets *ret_secrets);
/* false: we did not make this state, or for another provider, or too long ago. */
bool state_check(const struct auth_session *self, const char *provider, const char *state,
                 struct login_secrets *ret_secrets);
/* CONFLICT: it has been used before, here or at another server of the store. */
int state_use(const struct auth_session *self, const char *state, struct ein_error *err);
