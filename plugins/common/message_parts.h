/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* What is wrong with the contents of MESSAGES, an array of {"role", "content"}: an array of 422
 * faults, empty if they are well.  NULL: no memory. */
json_t *message_parts_faults(const json_t *messages);
