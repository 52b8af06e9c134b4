/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session.h"

/* Writes the lines of JSON that GET of PATH answers into the new file FILE: whole, or not at all.
 */
int takeout_write(struct session *session, const char *path, const char *file);

/* `einion takeout FILE` */
int takeout_mine(struct session *session, char **words);
