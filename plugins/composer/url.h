/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as the code of agents writes them, held against what is declared. */
#pragma once

#include <stdbool.h>

/* Is `url`, up to its query, the `path` (with its {parameters}) of `server`?  "": of any. */
bool url_fits(const char *url, const char *server, const char *path);

bool url_has_query(const char *url, const char *name);
