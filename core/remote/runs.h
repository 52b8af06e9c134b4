/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion run` and `einion runs ...`; `words` are the arguments, NULL-ended. */
int runs_run(struct session *session, char **words);
int runs_list(struct session *session, char **words);
int runs_show(struct session *session, char **words);
int runs_follow(struct session *session, char **words);
int runs_cancel(struct session *session, char **words);
