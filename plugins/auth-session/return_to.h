/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* Where a browser goes after its login; free().  NULL: no memory.
 *
 * A path ("/agents?x=1") is put behind the first of `frontends`; an absolute URL counts if its
 * origin is one of them.  Everything else, NULL too, is the first one's front page. */
char *return_to_url(const json_t *frontends, const char *return_to);

/* Whether it is one of the two. */
int return_to_is_good(const json_t *frontends, const char *return_to);
