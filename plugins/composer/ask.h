/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "composer.h"

/* Asks the model of the request what composing->messages say: fills answer and thoughts.  0, or the
 * status that was replied. */
int ask_model(struct composing *composing);
