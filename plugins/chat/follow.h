/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "chat.h"
#include <jansson.h>

/* Sends TICKET, whose `_id` is there, as an event, its pieces as they come, and its end. */
int follow(struct chat *chat, struct ein_req *req, const json_t *ticket);

/* Waits up to so long for the end of TICKET, which becomes what it is then; a reference is taken
 * and one given. */
int follow_wait(struct chat *chat, struct ein_req *req, int64_t wait_ms, json_t **ticket,
                struct ein_error *err);
