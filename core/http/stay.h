/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

struct http;

enum { STAY_LOOK_MS = 1000 };

/* EIN_E_DENIED, with the sentence for them: UID (may be NULL) is blocked.  Waits for nothing. */
int stay_check_blocked(struct http *http, const char *uid, struct ein_error *err);

/* Every STAY_LOOK_MS: cancels what goes on for somebody who has been blocked, or whose login or key
 * has ended since; the latter are asked for only once in limits.recheck_s. */
void stay_look(void *http);
