/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* ---- Accept-Encoding ---- */

enum { Q_ONE = 1000, Q_UNSAID = -1 };

/* "0.8" in thousandths; what is no number is 1, as without one. */
static int read_quality(const char *text, size_t len)
{
    int value = 0, unit = Q_ONE;

    for (size_t i = 0; i < len && unit > 0; i++) {
        if (text[i] == '.' && i == 1)
            continue;
        if (text[i] < '0' || text[i] > '9')
            return i == 0 ? Q_ONE : value;
        value += (text[i] - '0') * unit;
        unit /= 10;
    }
    return value < Q_ONE ? value : Q_ONE;
}

static size_t blanks(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && (text[n] == ' ' || text[n] == '\t'))
        n++;
    return n;
}

/* One member, "gzip ; q=0.5": the length of its name, and its quality. */
static size_t read_member(const char *text, size_t len, int *ret_quality)
{
    size_t name = 0, at;

    while (name < len && !strchr(" \t;", text[name]))
        name++;
    at = name + blanks(text + name, len - name);
    *ret_quality = Q_ONE;
    if (at < len && text[at] == ';') {
        at++;
        at += blanks(text + at, len - at);
        if (len - at >= 2 && strncasecmp(text + at, "q=", 2) == 0)
            *ret_quality = read_quality(text + at + 2, len - at - 2);
    }
    return name;
}

static bool is_name(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(text, name, len) == 0;
}

enum coding ask_coding(const char *accept_encoding)
{
    int quality[CODINGS] = { Q_UNSAID, Q_UNSAID }, plain = Q_UNSAID, others = 0;
    const char *at = accept_encoding ? accept_encoding : "";

    while (*at) {
        size_t len, name;
        int q;

        at += strspn(at, " \t,");
        len = strcspn(at, ",");
        name = read_member(at, len, &q);
        if (is_name(at, name, "gzip") || is_name(at, name, "x-gzip"))
            quality[CODING_GZIP] = q;
        else if (is_name(at, name, "br"))
            quality[CODING_BR] = q;
        else if (is_name(at, name, "identity"))
            plain = q;
        else if (is_name(at, name, "*"))
            others = q;
        at += len;
    }
    for (int i = 0; i < CODINGS; i++)
        if (quality[i] == Q_UNSAID)
            quality[i] = others;
    enum coding best = quality[CODING_BR] >= quality[CODING_GZIP] ? CODING_BR : CODING_GZIP;

    return quality[best] > 0 && quality[best] >= plain ? best : CODING_NONE;
}

/* ---- Range ---- */

/* The digits at *at; false: there are none, or too many. */
static bool read_number(const char **at, uint64_t *ret)
{
    uint64_t value = 0;
    size_t digits = strspn(*at, "0123456789");

    if (digits == 0 || digits > 18)
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (uint64_t)((*at)[i] - '0');
    *at += digits;
    *ret = value;
    return true;
}

static enum range last_bytes(const char *at, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
    uint64_t len;

    if (!read_number(&at, &len) || *at)
        return RANGE_ALL;
    if (len == 0 || size == 0)
        return RANGE_OUTSIDE;
    *ret_len = len < size ? len : size;
    *ret_first = size - *ret_len;
    return RANGE_PART;
}

enum range ask_range(const char *range, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
    uint64_t first, last = UINT64_MAX;
    const char *at = range;

    if (!range || strncasecmp(range, "bytes=", 6) != 0)
        return RANGE_ALL;
    at += 6;
    if (*at == '-')
        return last_bytes(at + 1, size, ret_first, ret_len);
    if (!read_number(&at, &first) || *at++ != '-')
        return RANGE_ALL;
    if (*at && (!read_number(&at, &last) || *at || last < first))
        return RANGE_ALL;
    if (first >= size)
        return RANGE_OUTSIDE;
    if (last >= size)
        last = size - 1;
    *ret_first = first;
    *ret_len = last - first + 1;
    return RANGE_PART;
}
