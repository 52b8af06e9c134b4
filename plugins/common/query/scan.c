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

/* What it is ordered by is in a cursor. */
static bool is_wanted(const struct query *query, const char *quoted, size_t len)
{
    for (const char *const *field = query->fields; *field; field++)
        if (is_name(quoted, len, *field, strlen(*field)))
            return true;
    for (size_t i = 0; i < query->order_count; i++)
        if (is_name(quoted, len, query->order[i].field, strcspn(query->order[i].field, ".")))
            return true;
    return false;
}

static bool add_member(json_t *doc, const char *quoted, const char *colon, const char *end)
{
    EIN_JSON json_t *name =
        json_loadb(quoted, (size_t)(colon - quoted), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *value =
        json_loadb(colon + 1, (size_t)(end - colon - 1), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return json_object_setn_new(doc, json_string_value(name), json_string_length(name), value) == 0;
}

int scan_document(const struct query *query, const char *text, size_t len, const char *id,
                  const char *rev, json_t **ret_doc, struct ein_error *err)
{
    struct scan scan = { text + 1, text + len };
    EIN_JSON json_t *doc = NULL;

    if (!query->fields)
        return doc_decode(text, len, id, rev, ret_doc, err);
    doc = json_pack("{s:s, s:s}", "_id", id, "_rev", rev);
    while (doc && scan.at < scan.end && *scan.at == '"') {
        const char *quoted = scan.at, *colon;
        skip_string(&scan);
        colon = scan.at++;
        if (colon >= scan.end || *colon != ':')
            break;
        skip_value(&scan);
        if (is_wanted(query, quoted, (size_t)(colon - quoted)) &&
            !add_member(doc, quoted, colon, scan.at))
            return doc_decode(text, len, id, rev, ret_doc, err); /* which says what is wrong */
        scan.at++;
    }
    if (!doc)
        return error_no_memory(err);
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int scan_key_of(const struct doc_text *doc, const char *path, struct key *ret_key)
{
    return doc->members ? key_make(member_at(doc->members, path), ret_key)
                        : scan_key(doc->text, doc->len, path, ret_key);
}
