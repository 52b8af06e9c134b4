/* SPDX-License-Identifier: Apache-2.0 */
/* The two documents that a demo is shown with, as text, and the policies that hold them. */
#pragma once

#include "buf.h"

#include <jansson.h>

struct page {
    const json_t *demo;
    const json_t *names;     /* of its APIs */
    const json_t *ancestors; /* origins that may frame it */
    const char *origin;      /* of the server, as the browser sees it */
    const char *path;        /* "/demos/ID/app", encoded */
    const char *token;
    const char *script; /* what page_script() gave */
};

typedef int page_fn(struct buf *out, const struct page *page);
page_fn page_outer, page_outer_policy;
page_fn page_frame, page_frame_policy, page_script; /* the script is the frame's */
/* What one of these writes; free().  NULL: no memory. */
char *page_text(page_fn *write, const struct page *page);
