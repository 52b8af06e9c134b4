/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion login`, `logout`, `servers`, `whoami`; `words` are the arguments, NULL-ended.  All but
 * the last work on the file of servers, and have no session. */
int login_in(const struct options *options, char **words);
int login_out(const struct options *options, char **words);
int login_list(const struct options *options, char **words);
int login_whoami(struct session *session, char **words);
