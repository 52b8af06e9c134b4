/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion users ...`, for site admins: what each does is in the table of commands. */
int users_list(struct session *session, char **words);
int users_revoke(struct session *session, char **words);
int users_block(struct session *session, char **words);
int users_unblock(struct session *session, char **words);
int users_erase(struct session *session, char **words);
int users_takeout(struct session *session, char **words);
