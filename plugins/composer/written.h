/* SPDX-License-Identifier: Apache-2.0 */
/* What a model has written: a name, a docstring and code, however it has wrapped them.  Text in,
 * text out: nothing here knows a server. */
#pragma once

enum { WRITTEN_NAME_MAX = 60 };

struct written {
    char *name;      /* [a-z0-9_]+, never empty */
    char *docstring; /* may be empty */
    char *code;      /* whole: with its imports and its async def run; NULL: there was none */
};

/* Reads `answer`; `description` is what a name is made of where the answer has none.  0, or
 * NO_MEMORY.  written_done() in any case. */
int written_read(const char *answer, const char *description, struct written *ret_written);
void written_done(struct written *written);
