/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion agents ...`: what each does is in the table of commands.  `words` are its arguments,
 * NULL-ended. */
int agents_list(struct session *session, char **words);
int agents_pull(struct session *session, char **words);
int agents_push(struct session *session, char **words);
int agents_delete(struct session *session, char **words);
int agents_deploy(struct session *session, char **words);
int agents_undeploy(struct session *session, char **words);

/* By its id, or by what it is called; NULL: there is none, which is said unless `quiet`. */
int agents_find(const struct session *session, const char *name, bool quiet, json_t **ret_agent);
