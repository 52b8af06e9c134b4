/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion chat` and `einion models`; `words` are the arguments, NULL-ended. */
int chat_ask(struct session *session, char **words);
int chat_models(struct session *session, char **words);
