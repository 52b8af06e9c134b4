/* SPDX-License-Identifier: Apache-2.0 */
/* The items of POST /v1/responses. */
#ifndef RESPONSES_H
#define RESPONSES_H

#include "chat.h"

/* Appends what an item of the input says to asking->ask->messages. */
int responses_item(struct asking *asking, json_t *item);

#endif
