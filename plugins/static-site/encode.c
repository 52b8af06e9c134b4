/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <brotli/encode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

/* Whoever asks first waits for it: the best that is done in the time. */
enum { GZIP_LEVEL = 9, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 9, BR_LEVEL = 9, BR_WINDOW = 22 };

static bool gzip(const char *data, size_t len, char *out, size_t *len_out)
{
    z_stream z = { .next_in = (z_const Bytef *)data,
                   .avail_in = (uInt)len,
                   .next_out = (Bytef *)out,
                   .avail_out = (uInt)*len_out };
    bool whole;

    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return false;
    whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    *len_out = z.total_out;
    (void)deflateEnd(&z);
    return whole;
}

static bool brotli(const char *data, size_t len, char *out, size_t *len_out)
{
    return BrotliEncoderCompress(BR_LEVEL, BR_WINDOW, BROTLI_MODE_TEXT, len, (const uint8_t *)data,
                                 len_out, (uint8_t *)out) == BROTLI_TRUE;
}

static bool (*const encoders[CODINGS])(const char *, size_t, char *, size_t *) = {
    [CODING_GZIP] = gzip,
    [CODING_BR] = brotli,
};

char *encode(enum coding coding, const char *data, size_t len, size_t *ret_len)
{
    size_t room = len > 0 ? len - 1 : 0;
    char *out = room > 0 && len <= UINT32_MAX ? malloc(room) : NULL;
    char *shorter;

    if (!out || !encoders[coding](data, len, out, &room)) {
        free(out);
        return NULL;
    }
    shorter = realloc(out, room);
    *ret_len = room;
    return shorter ? shorter : out;
}
