/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion secrets ...`, of an agent: what each does is in the table of commands. */
int secrets_list(struct session *session, char **words);
int secrets_set(struct session *session, char **words);
int secrets_delete(struct session *session, char **words);
