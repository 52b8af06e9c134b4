/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* `einion usage`: see the table of commands. */
int usage_show(struct session *session, char **words);
