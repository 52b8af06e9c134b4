/* SPDX-License-Identifier: Apache-2.0 */
#include "scrub.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include <ctype.h>
#include <string.h>

#define MASK "[REDACTED:secret]"

/* What stands at the end of texts that were cut off. */
static const char *const cuts[] = { "\n... [truncated, ", "…" };
enum { CUTS = sizeof(cuts) / sizeof(cuts[0]) };

/* ---- needles ---- */

static int add_text(json_t *needles, const char *text, size_t len)
{
    size_t i = 0;
    json_t *there;

    if (len < SCRUB_MIN)
        return 0;
    json_array_foreach(needles, i, there)
    {
        if (json_string_length(there) < len)
            break;
    }
    return json_array_insert_new(needles, i, json_stringn(text, len)) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* Jansson writes \u00FC, Python \u00fc. */
static void lower_escapes(char *text)
{
    for (; *text; text++) {
        if (*text != '\\')
            continue;
        text++;
        for (int i = 1; *text == 'u' && i <= 4; i++)
            text[i] = (char)tolower((unsigned char)text[i]);
    }
}

/* As JSON writes it, where that differs. */
static int add_escaped(json_t *needles, const json_t *secret, size_t flags)
{
    EIN_FREE char *text = json_dumps(secret, JSON_ENCODE_ANY | flags);
    size_t len = text ? strlen(text) - 2 : 0; /* without its quotes */

    if (!text)
        return EIN_E_NO_MEMORY;
    if (len == json_string_length(secret))
        return 0;
    lower_escapes(text);
    return add_text(needles, text + 1, len);
}

/* Lines are printed one by one. */
static int add_lines(json_t *needles, const char *text)
{
    int r = 0;

    if (!strchr(text, '\n'))
        return 0;
    while (r == 0 && *text) {
        size_t len = strcspn(text, "\r\n");

        r = add_text(needles, text, len);
        text += len + strspn(text + len, "\r\n");
    }
    return r;
}

int scrub_add(json_t *needles, const json_t *secrets)
{
    const char *name;
    json_t *secret;

    json_object_foreach((json_t *)secrets, name, secret)
    {
        const char *text = json_string_value(secret);

        if (!text)
            continue;
        if (add_text(needles, text, json_string_length(secret)) < 0 ||
            add_escaped(needles, secret, 0) < 0 ||
            add_escaped(needles, secret, JSON_ENSURE_ASCII) < 0 || add_lines(needles, text) < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

/* ---- texts ---- */

/* Where TEXT was cut off; 0: nowhere. */
static size_t cut_of(const char *text, size_t len)
{
    for (size_t i = 0; i < CUTS; i++) {
        size_t mark = strlen(cuts[i]);
        const char *last = NULL;

        for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), cuts[i], mark));
             at++)
            last = at;
        if (last)
            return (size_t)(last - text);
    }
    return 0;
}

/* The length of the needle at TEXT, or of the beginning of one that is cut off there; 0: none. */
static size_t found_at(const json_t *needles, const char *text, size_t len, size_t to_cut)
{
    size_t i;
    json_t *needle;

    json_array_foreach((json_t *)needles, i, needle)
    {
        const char *hidden = json_string_value(needle);
        size_t hidden_len = json_string_length(needle);

        if (hidden_len <= len && memcmp(text, hidden, hidden_len) == 0)
            return hidden_len;
        if (to_cut >= SCRUB_MIN && to_cut < hidden_len && memcmp(text, hidden, to_cut) == 0)
            return to_cut;
    }
    return 0;
}

static json_t *scrub_text(const json_t *needles, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value), cut = cut_of(text, len);
    EIN_BUF struct buf clean = BUF_INIT;

    for (size_t at = 0; at < len;) {
        size_t hidden = found_at(needles, text + at, len - at, at < cut ? cut - at : 0);

        if (hidden)
            (void)buf_text(&clean, MASK);
        else
            (void)buf_char(&clean, text[at]);
        at += hidden ? hidden : 1;
    }
    return clean.error ? NULL : json_stringn(buf_str(&clean), clean.len);
}

/* ---- values ---- */

static json_t *scrub_array(const json_t *needles, const json_t *array)
{
    EIN_JSON json_t *clean = json_array();
    size_t i;
    json_t *item;

    json_array_foreach((json_t *)array, i, item)
    {
        if (json_array_append_new(clean, scrub_json(needles, item)) < 0)
            return NULL;
    }
    return EIN_TAKE(clean);
}

static json_t *scrub_object(const json_t *needles, const json_t *object)
{
    EIN_JSON json_t *clean = json_object();
    const char *name;
    json_t *item;

    json_object_foreach((json_t *)object, name, item)
    {
        EIN_JSON json_t *as_text = json_string(name);
        EIN_JSON json_t *shown = as_text ? scrub_text(needles, as_text) : NULL;

        if (!shown ||
            json_object_set_new(clean, json_string_value(shown), scrub_json(needles, item)) < 0)
            return NULL;
    }
    return EIN_TAKE(clean);
}

json_t *scrub_json(const json_t *needles, const json_t *value)
{
    if (json_is_string(value))
        return scrub_text(needles, value);
    if (json_is_array(value))
        return scrub_array(needles, value);
    if (json_is_object(value))
        return scrub_object(needles, value);
    return json_incref((json_t *)value);
}
