/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOGIN_H
#define LOGIN_H

#include "session.h"

/* `einion login`, `logout`, `whoami`; `words` are the arguments, NULL-ended.  The first two work on
 * the file of servers, and have no session. */
int login_in(const struct options *options, char **words);
int login_out(const struct options *options, char **words);
int login_whoami(struct session *session, char **words);

#endif
