/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run.h"

/* Asks the model, by completion/1, what the ticket of RUN asks, which is ASKED.  *ret_result is the
 * ticket's `result`; err says why there is none. */
int ask_model(struct chat *chat, struct run *run, const json_t *asked, json_t **ret_result,
              struct ein_error *err);
