/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <einion/plugin.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 256 };

void bytes_init(struct bytes *bytes, size_t max)
{
    *bytes = (struct bytes){ .max = max };
}

void bytes_done(struct bytes *bytes)
{
    free(bytes->data);
    bytes_init(bytes, bytes->max);
}

void bytes_clear(struct bytes *bytes)
{
    bytes->len = 0;
    if (bytes->data)
        bytes->data[0] = '\0';
}

static int grow(struct bytes *bytes, size_t need)
{
    size_t cap = bytes->cap ? bytes->cap : CAP_MIN;
    char *data;

    while (cap < need)
        cap += cap / 2;
    data = realloc(bytes->data, cap);
    if (!data)
        return EIN_E_NO_MEMORY;
    bytes->data = data;
    bytes->cap = cap;
    return 0;
}

int bytes_add(struct bytes *bytes, const void *data, size_t len)
{
    int r = 0;

    if (len > bytes->max - bytes->len)
        return EIN_E_TOO_LARGE;
    if (bytes->len + len + 1 > bytes->cap)
        r = grow(bytes, bytes->len + len + 1);
    if (r < 0)
        return r;
    if (len)
        memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    bytes->data[bytes->len] = '\0';
    return 0;
}

int bytes_text(struct bytes *bytes, const char *text)
{
    return bytes_add(bytes, text, strlen(text));
}

const char *bytes_str(const struct bytes *bytes)
{
    return bytes->data ? bytes->data : "";
}
