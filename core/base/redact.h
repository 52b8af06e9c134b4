/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct secret {
    size_t start, end; /* of the bytes that must not be shown */
    const char *kind;  /* "openai_key", "password", ... */
};

/* A copy of len bytes of text with keys, tokens and passwords replaced by [REDACTED:kind]; free().
 * ret_len may be NULL.  NULL: no memory. */
char *redact(const char *text, size_t len, size_t *ret_len);

/* The first secret in text[from, len); what lies before `from` is looked at as context.  Takes
 * time in proportion to len and no memory. */
bool redact_find(const char *text, size_t len, size_t from, struct secret *ret_secret);

/* The kind of secret that a member or variable of this name holds; NULL: none. */
const char *redact_kind_of(const char *name, size_t len);
