/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGIN_BYTES_H
#define PLUGIN_BYTES_H

#include <stddef.h>

/* Growing bytes with a maximum at birth, always followed by a NUL that is not counted. */
struct bytes {
    char *data; /* NULL until something was added */
    size_t len, cap, max;
};

void bytes_init(struct bytes *bytes, size_t max);
void bytes_done(struct bytes *bytes); /* frees; empty afterwards */
void bytes_clear(struct bytes *bytes);

/* 0, EIN_E_TOO_LARGE or EIN_E_NO_MEMORY; then nothing was added. */
int bytes_add(struct bytes *bytes, const void *data, size_t len);
int bytes_text(struct bytes *bytes, const char *text);

/* What there is, "" for nothing. */
const char *bytes_str(const struct bytes *bytes);

#endif
