/* SPDX-License-Identifier: Apache-2.0 */
/* Filters without an index look at one member of every document: skipping over the
 * rest of the text costs a tenth of parsing it.  TEXT may be damaged: nothing is
 * read beyond `end`, and what makes no sense is absent. */
#include "scan.h"

#include "cleanup.h"
#include "error.h"
#include "json_text.h"
#include "member.h"

#include <einion/plugin.h>
#include <string.h>

struct scan {
    const char *at, *end;
};

static bool is_escaped(const char *begin, const char *quote)
{
    const char *at = quote;

    while (at > begin && at[-1] == '\\')
        at--;
    return (quote - at) % 2;
}

/* Over a string, from its first quote to behind its last. */
static void skip_string(struct scan *scan)
{
    const char *begin = scan->at + 1, *quote = scan->at;

    do {
        quote++;
        quote = memchr(quote, '"', (size_t)(scan->end - quote));
    } while (quote && is_escaped(begin, quote));
    scan->at = quote ? quote + 1 : scan->end;
}

static void skip_value(struct scan *scan)
{
    size_t depth = 0;

    while (scan->at < scan->end) {
        switch (*scan->at) {
        case '"':
            skip_string(scan);
            if (!depth)
                return;
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (!depth)
                return;
            if (!--depth) {
                scan->at++;
                return;
            }
            break;
        case ',':
            if (!depth)
                return;
            break;
        }
        scan->at++;
    }
}

static bool is_name(const char *quoted, size_t len, const char *name, size_t name_len)
{
    if (len < 2)
        return false;
    if (!memchr(quoted, '\\', len))
        return len - 2 == name_len && memcmp(quoted + 1, name, name_len) == 0;

    EIN_JSON json_t *text = json_loadb(quoted, len, JSON_DECODE_ANY, NULL);
    return text && json_string_length(text) == name_len &&
           memcmp(json_string_value(text), name, name_len) == 0;
}

/* To the value of the member NAME of the object at hand. */
static bool enter_member(struct scan *scan, const char *name, size_t name_len)
{
    if (scan->at >= scan->end || *scan->at != '{')
        return false;
    scan->at++;
    while (scan->at < scan->end && *scan->at == '"') {
        const char *quoted = scan->at;
        skip_string(scan);
        bool found = is_name(quoted, (size_t)(scan->at - quoted), name, name_len);
        if (scan->at >= scan->end || *scan->at++ != ':')
            return false;
        if (found)
            return true;
        skip_value(scan);
        if (scan->at >= scan->end || *scan->at++ != ',')
            return false;
    }
    return false;
}

static int make_key(struct scan *scan, struct key *ret_key)
{
    const char *value = scan->at;

    if (value < scan->end && (*value == '{' || *value == '['))
        return key_copy(&(unsigned char){ KEY_OTHER }, 1, ret_key);
    skip_value(scan);
    EIN_JSON json_t *json = json_text_parse(value, (size_t)(scan->at - value), 1, NULL);
    if (!json)
        json =
            json_loadb(value, (size_t)(scan->at - value), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return key_make(json, ret_key);
}

int scan_key(const char *text, size_t len, const char *path, struct key *ret_key)
{
    struct scan scan = { text, text + len };

    for (;;) {
        size_t name_len = strcspn(path, ".");
        if (!enter_member(&scan, path, name_len))
            return key_make(NULL, ret_key);
        if (!path[name_len])
            return make_key(&scan, ret_key);
        path += name_len + 1;
    }
}

/* ---- some members ---- */

bool scan_needs_text(const struct query *query)
{
    return !query->fields || *query->fields || query->order_count;
}

/* Whether a member of the object at PREFIX is asked for: whole, or *ret_inside, a path to something
 * in it.  What it is ordered by is in a cursor. */
static bool is_wanted(const struct query *query, const char *prefix, size_t prefix_len,
                      const char *quoted, size_t len, const char **ret_inside)
{
    *ret_inside = NULL;
    for (const char *const *field = query->fields; *field; field++) {
        const char *name = *field + prefix_len;
        size_t first;

        if (prefix_len && strncmp(*field, prefix, prefix_len) != 0)
            continue;
        if (is_name(quoted, len, name, strlen(name)))
            return true;
        first = strcspn(name, ".");
        if (name[first] && is_name(quoted, len, name, first))
            *ret_inside = *field;
    }
    for (size_t i = 0; i < query->order_count && !prefix_len; i++)
        if (is_name(quoted, len, query->order[i].field, strcspn(query->order[i].field, ".")))
            return true;
    return false;
}

static bool add_member(json_t *object, const char *quoted, const char *colon, json_t *take_value)
{
    EIN_JSON json_t *name =
        json_loadb(quoted, (size_t)(colon - quoted), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return json_object_setn_new(object, json_string_value(name), json_string_length(name),
                                take_value) == 0;
}

/* Adds to OBJECT what is asked for of the one at hand, which is at PREFIX, and goes over it.
 * false: something there is not JSON, or no memory. */
static bool add_members(struct scan *scan, const struct query *query, const char *prefix,
                        size_t prefix_len, json_t *object)
{
    scan->at++;
    while (scan->at < scan->end && *scan->at == '"') {
        const char *quoted = scan->at, *colon, *value, *inside;
        bool wanted, good = true;
        skip_string(scan);
        colon = scan->at++;
        if (colon >= scan->end || *colon != ':')
            return true;
        value = scan->at;
        wanted = is_wanted(query, prefix, prefix_len, quoted, (size_t)(colon - quoted), &inside);
        if (!wanted && inside && value < scan->end && *value == '{') {
            json_t *part = json_object();
            size_t len = prefix_len + strcspn(inside + prefix_len, ".") + 1;
            good = add_member(object, quoted, colon, part) &&
                   add_members(scan, query, inside, len, part);
        } else {
            skip_value(scan);
        }
        if (wanted)
            good = add_member(object, quoted, colon,
                              json_loadb(value, (size_t)(scan->at - value),
                                         JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
        if (!good)
            return false;
        if (scan->at >= scan->end || *scan->at++ != ',')
            return true;
    }
    if (scan->at < scan->end)
        scan->at++;
    return true;
}

int scan_document(const struct query *query, const char *text, size_t len, const char *id,
                  const char *rev, json_t **ret_doc, struct ein_error *err)
{
    struct scan scan = { text, text + len };
    EIN_JSON json_t *doc = NULL;

    if (!query->fields)
        return doc_decode(text, len, id, rev, ret_doc, err);
    doc = json_pack("{s:s, s:s}", "_id", id, "_rev", rev);
    if (!doc)
        return error_no_memory(err);
    if (!add_members(&scan, query, "", 0, doc))
        return doc_decode(text, len, id, rev, ret_doc, err); /* which says what is wrong */
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int scan_key_of(const struct doc_text *doc, const char *path, struct key *ret_key)
{
    return doc->members ? key_make(member_at(doc->members, path), ret_key)
                        : scan_key(doc->text, doc->len, path, ret_key);
}
