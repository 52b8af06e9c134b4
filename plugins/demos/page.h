/* SPDX-License-Identifier: Apache-2.0 */
/* The two documents that a demo is shown with, as text, and the policies that hold them. */
#ifndef DEMO_PAGE_H
#define DEMO_PAGE_H

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

/* Each gives a text to free(), or NULL: no memory. */
char *page_outer(const struct page *page);
char *page_outer_policy(const struct page *page);
char *page_script(const struct page *page); /* of the frame */
char *page_frame(const struct page *page);
char *page_frame_policy(const struct page *page);

#endif
