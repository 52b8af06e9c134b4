/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor is the place of the last document that was given out: the values it was
 * ordered by and when it was created, in base64url, behind a check that also
 * covers the query.  It is only ever compared with, so that one who makes a cursor
 * by hand merely chooses where to begin. */
#include "member.h"
#include "query.h"

#include "base64url.h"
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "hash.h"

#include <string.h>

enum { CHECK_LEN = 8, SEQ_LEN = 8, SIZE_LEN = 4 };

static void put_number(unsigned char *out, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++, value >>= 8)
        out[i] = (unsigned char)value;
}

static uint64_t get_number(const unsigned char *in, size_t len)
{
    uint64_t value = 0;

    for (size_t i = len; i--;)
        value = value << 8 | in[i];
    return value;
}

static uint64_t check_of(const struct query *query, const unsigned char *bytes, size_t len)
{
    return hash_fnv(query->fingerprint, bytes + CHECK_LEN, len - CHECK_LEN);
}

static int collect_keys(const struct query *query, const json_t *doc, struct key *keys,
                        size_t *ret_len)
{
    *ret_len = CHECK_LEN + SEQ_LEN;
    for (size_t i = 0; i < query->order_count; i++) {
        if (key_make(member_at(doc, query->order[i].field), &keys[i]) < 0)
            return EIN_E_NO_MEMORY;
        *ret_len += SIZE_LEN + keys[i].len;
    }
    return 0;
}

static char *write_cursor(const struct query *query, const struct key *keys, uint64_t seq,
                          size_t len)
{
    EIN_FREE unsigned char *bytes = malloc(len);

    if (!bytes)
        return NULL;
    unsigned char *out = bytes + CHECK_LEN;
    put_number(out, seq, SEQ_LEN);
    out += SEQ_LEN;
    for (size_t i = 0; i < query->order_count; i++) {
        put_number(out, keys[i].len, SIZE_LEN);
        memcpy(out + SIZE_LEN, keys[i].data, keys[i].len);
        out += SIZE_LEN + keys[i].len;
    }
    put_number(bytes, check_of(query, bytes, len), CHECK_LEN);
    return base64url_encode(bytes, len);
}

int query_cursor(const struct query *query, const json_t *doc, uint64_t seq, char **ret_cursor,
                 struct ein_error *err)
{
    struct key keys[QUERY_ORDER_MAX] = { 0 };
    char *cursor = NULL;
    size_t len;

    if (collect_keys(query, doc, keys, &len) >= 0)
        cursor = write_cursor(query, keys, seq, len);
    for (size_t i = 0; i < query->order_count; i++)
        key_done(&keys[i]);
    if (!cursor)
        return error_no_memory(err);

    *ret_cursor = cursor;
    return 0;
}

static int not_ours(struct ein_error *err)
{
    return error_set(err, EIN_E_INVALID, "The cursor does not come from this query");
}

static int read_keys(struct query *query, const unsigned char *bytes, size_t len,
                     struct ein_error *err)
{
    for (size_t i = 0; i < query->order_count; i++) {
        if (len < SIZE_LEN)
            return not_ours(err);
        size_t size = get_number(bytes, SIZE_LEN);
        bytes += SIZE_LEN;
        len -= SIZE_LEN;
        if (size < 1 || size > len)
            return not_ours(err);
        if (key_copy(bytes, size, &query->after[i]) < 0)
            return error_no_memory(err);
        bytes += size;
        len -= size;
    }
    return len ? not_ours(err) : 0;
}

int query_resume(struct query *query, const char *cursor, struct ein_error *err)
{
    size_t len = 0;
    EIN_FREE unsigned char *bytes =
        base64url_decode(cursor, strnlen(cursor, QUERY_CURSOR_MAX), &len);

    if (!bytes || len < CHECK_LEN + SEQ_LEN)
        return not_ours(err);
    if (get_number(bytes, CHECK_LEN) != check_of(query, bytes, len))
        return not_ours(err);

    memset(query->after, 0, sizeof(query->after));
    query->resumed = true;
    query->after_seq = get_number(bytes + CHECK_LEN, SEQ_LEN);
    return read_keys(query, bytes + CHECK_LEN + SEQ_LEN, len - CHECK_LEN - SEQ_LEN, err);
}
