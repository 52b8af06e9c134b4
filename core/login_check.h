/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Who would be let in, before anybody is. */
struct config;
struct services;

struct login_facts { /* all lent */
    const struct config *config;
    const json_t *listen; /* where the server listens, which a new configuration does not change */
    const char *admin_password; /* NULL: none */
    bool has_provider;          /* of auth_provider/1 */
};

/* INVALID: logins are asked for, and there are none.  DENIED: other machines reach the server, by
 * its address or through a proxy, and would be let in without a login, with one that asks for
 * nothing, or with a password that everybody tries. */
int login_check(const struct login_facts *facts, struct ein_error *err);

/* An enabled plugin lets whoever comes be anybody. */
bool login_is_open(const struct config *config);

enum { LOGINS_SIZE = 512 }; /* bytes of the line that names them */

/* "session, dev_stub", or "". */
void login_names(struct services *services, char *out, size_t size);
