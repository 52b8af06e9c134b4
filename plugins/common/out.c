/* SPDX-License-Identifier: Apache-2.0 */
#include "out.h"

#include "json_text.h"

#include <einion/plugin.h>
#include <string.h>

enum { NANO_DIGITS = 9 };

void out_init(struct buf *out)
{
    buf_init(out, SIZE_MAX / 2);
}

void out_out(struct buf *out, const struct buf *other)
{
    if (other->error)
        out->error = other->error;
    out_bytes(out, other->data, other->len);
}

void out_escaped(struct buf *out, const char *text, size_t len)
{
    (void)json_text_escape(out, text, len);
}

void out_quoted(struct buf *out, const char *text)
{
    if (!text) {
        out_put(out, "null");
        return;
    }
    out_bytes(out, "\"", 1);
    out_escaped(out, text, strlen(text));
    out_bytes(out, "\"", 1);
}

/* At least LEAST digits of it, before END. */
static char *digits(char *end, uint64_t number, int least)
{
    for (; number > 0 || least > 0; number /= 10, least--)
        *--end = (char)('0' + number % 10);
    return end;
}

void out_digits(struct buf *out, uint64_t number, int least)
{
    char text[24], *end = text + sizeof(text), *at = digits(end, number, least);

    out_bytes(out, at, (size_t)(end - at));
}

void out_nano(struct buf *out, int64_t nano)
{
    uint64_t amount = nano < 0 ? -(uint64_t)nano : (uint64_t)nano;
    char text[40], *end = text + sizeof(text);
    char *at = digits(end, amount % 1000000000, NANO_DIGITS);

    *--at = '.';
    at = digits(at, amount / 1000000000, 1);
    if (nano < 0)
        *--at = '-';
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    out_bytes(out, at, (size_t)(end - at));
}

static int dump(const char *data, size_t len, void *out)
{
    out_bytes(out, data, len);
    return 0;
}

void out_json(struct buf *out, const json_t *json)
{
    if (json_dump_callback(json, dump, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        out->error = EIN_E_NO_MEMORY;
}

static int dump_escaped(const char *data, size_t len, void *out)
{
    out_escaped(out, data, len);
    return 0;
}

void out_json_escaped(struct buf *out, const json_t *json)
{
    if (json_dump_callback(json, dump_escaped, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        out->error = EIN_E_NO_MEMORY;
}
