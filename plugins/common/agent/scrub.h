/* SPDX-License-Identifier: Apache-2.0 */
/* Takes secrets that are known out of what is shown and kept. */
#pragma once

#include <jansson.h>

enum { SCRUB_MIN = 6 /* bytes; what is shorter is no secret, and would tear texts apart */ };

/* Adds the texts by which SECRETS, {name: text}, are found: as they are, as JSON writes them, and
 * the lines of those that have several.  NEEDLES is an array, longest first.  0 or NO_MEMORY. */
int scrub_add(json_t *needles, const json_t *secrets);

/* VALUE with [REDACTED:secret] for each of NEEDLES in its texts and names, also where a text that
 * was cut off ends with the beginning of one.  NULL: no memory. */
json_t *scrub_json(const json_t *needles, const json_t *value);
