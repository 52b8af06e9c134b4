/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* `text` as it may stand between tags and in quotes; free().  NULL: no memory. */
char *html_escape(const char *text);

/* A small page that runs nothing, loads nothing, cannot be framed, is not kept and tells nobody
 * where its reader came from.  `title` is text, `body` is HTML.  Returns the status, or NO_MEMORY.
 */
int html_reply(const struct ein_http *http, struct ein_req *req, int status, const char *title,
               const char *body);
