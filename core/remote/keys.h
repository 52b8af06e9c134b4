/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion keys ...`; `words` are the arguments, NULL-ended. */
int keys_list(struct session *session, char **words);
int keys_create(struct session *session, char **words);
int keys_revoke(struct session *session, char **words);
