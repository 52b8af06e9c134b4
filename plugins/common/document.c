/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "member.h"
#include "mix.h"
#include "out.h"
#include "str.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

int doc_not_found(const char *set, const char *id, struct ein_error *err)
{
    return error_set(err, EIN_E_NOT_FOUND, "Document '%.200s' not found in '%s'", id ? id : "",
                     set);
}

/* ---- names ---- */

int doc_check_set(const char *set, struct ein_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    if (set && *set >= 'a' && *set <= 'z') {
        size_t len = strspn(set, allowed);
        if (!set[len] && len <= DOC_SET_MAX)
            return 0;
    }
    return error_set(err, EIN_E_INVALID,
                     "'%.80s' is not the name of a set: a lower-case letter, then up to %d "
                     "lower-case letters, digits and '_'",
                     set ? set : "", DOC_SET_MAX - 1);
}

static int check_id(const char *id, struct ein_error *err)
{
    size_t len = id ? strnlen(id, DOC_ID_MAX + 1) : 0;

    if (len < 1 || len > DOC_ID_MAX)
        return error_set(err, EIN_E_INVALID, "A document's id has 1 to %d bytes", DOC_ID_MAX);
    if (!str_is_utf8(id, len))
        return error_set(err, EIN_E_INVALID, "A document's id is UTF-8 text");
    return 0;
}

bool doc_is_id(const char *id)
{
    return check_id(id, NULL) == 0;
}

int doc_check_names(const char *set, const char *id, struct ein_error *err)
{
    int r = doc_check_set(set, err);

    return r < 0 ? r : check_id(id, err);
}

static bool has_empty_segment(const char *path)
{
    for (;; path++) {
        size_t len = strcspn(path, ".");
        if (!len)
            return true;
        path += len;
        if (!*path)
            return false;
    }
}

int doc_check_field(const char *field, struct ein_error *err)
{
    size_t len = field ? strnlen(field, DOC_FIELD_MAX + 1) : 0;

    if (len < 1 || len > DOC_FIELD_MAX)
        return error_set(err, EIN_E_INVALID, "A field's path has 1 to %d bytes", DOC_FIELD_MAX);
    if (!str_is_utf8(field, len))
        return error_set(err, EIN_E_INVALID, "A field's path is UTF-8 text");
    if (*field == '$' || has_empty_segment(field))
        return error_set(err, EIN_E_INVALID, "'%s' is not a field: names joined by '.'", field);
    if (strcmp(field, "_rev") == 0)
        return error_set(err, EIN_E_INVALID, "Documents cannot be selected by '_rev'");
    return 0;
}

int doc_check_index(const char *set, const char *fields, char **ret_first, const char **ret_last,
                    struct ein_error *err)
{
    const char *comma = fields ? strchr(fields, ',') : NULL;
    EIN_FREE char *first = comma ? strndup(fields, (size_t)(comma - fields)) : NULL;
    int r = doc_check_set(set, err);

    if (comma && !first)
        return error_no_memory(err);
    if (r >= 0 && comma)
        r = doc_check_field(first, err);
    if (r >= 0)
        r = doc_check_field(comma ? comma + 1 : fields, err);
    if (r >= 0 && comma && strchr(comma + 1, ','))
        return error_set(err, EIN_E_INVALID, "'%.255s' are more than two fields", fields);
    if (r < 0)
        return r;
    *ret_first = EIN_TAKE(first);
    *ret_last = comma ? comma + 1 : fields;
    return 0;
}

static bool is_own(const char *member)
{
    return strcmp(member, "_id") == 0 || strcmp(member, "_rev") == 0;
}

/* The name of one member of its own that a write may change. */
static int check_member(const char *member, struct ein_error *err)
{
    int r = doc_check_field(member, err);

    if (r < 0)
        return r;
    if (is_own(member) || strchr(member, '.'))
        return error_set(err, EIN_E_INVALID, "'%s' is not a member that can be set", member);
    return 0;
}

int doc_check_claim(const char *set, const char *due_field, int64_t now, int64_t lease,
                    int64_t *ret_due, struct ein_error *err)
{
    int r = doc_check_set(set, err);

    if (r >= 0)
        r = check_member(due_field, err);
    if (r < 0)
        return r;
    if (__builtin_add_overflow(now, lease, ret_due))
        return error_set(err, EIN_E_INVALID, "A lease of %" PRId64 " leaves the 64-bit range",
                         lease);
    return 0;
}

/* ---- batches ---- */

static int check_op(const struct ein_doc_op *op, size_t stride, struct ein_error *err)
{
    int r = doc_check_names(op->set, op->id, err);

    if (r < 0)
        return r;
    switch (op->kind) {
    case EIN_DOC_PUT:
        if (!doc_op_text(op, stride) && !json_is_object(op->doc))
            return error_set(err, EIN_E_INVALID, "Document '%s' is not a JSON object", op->id);
        return 0;
    case EIN_DOC_UPDATE:
        if (op->doc && !json_is_object(op->doc))
            return error_set(err, EIN_E_INVALID, "The update of '%s' is not a JSON object", op->id);
        return op->add_field ? check_member(op->add_field, err) : 0;
    case EIN_DOC_DELETE:
    case EIN_DOC_CHECK:
        return 0;
    }
    return error_set(err, EIN_E_INVALID, "%" PRId32 " is not a kind of operation", op->kind);
}

int doc_check_ops(const struct ein_doc_op *ops, size_t count, size_t stride, struct ein_error *err)
{
    if (stride < offsetof(struct ein_doc_op, text)) /* all there was in 1.0 */
        return error_set(err, EIN_E_INVALID, "An operation has at least %zu bytes",
                         offsetof(struct ein_doc_op, text));
    if (count > DOC_BATCH_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "A batch has at most %d operations", DOC_BATCH_MAX);

    for (size_t i = 0; i < count; i++) {
        int r = check_op(doc_op_at((struct ein_doc_op *)ops, i, stride), stride, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- text ---- */

/* DOC itself, or a shallow copy where it has members that are the store's. */
static json_t *without_own(const json_t *doc)
{
    if (!json_object_get(doc, "_id") && !json_object_get(doc, "_rev"))
        return json_incref((json_t *)doc);

    json_t *copy = json_copy((json_t *)doc);
    if (copy) {
        (void)json_object_del(copy, "_id");
        (void)json_object_del(copy, "_rev");
    }
    return copy;
}

static int check_len(size_t len, size_t max_bytes, struct ein_error *err)
{
    if (len <= max_bytes)
        return 0;
    return error_set(err, EIN_E_TOO_LARGE, "The document has %zu bytes; at most %zu are stored",
                     len, max_bytes);
}

int doc_encode(const struct ein_host *host, const json_t *doc, size_t max_bytes,
               struct doc_text *ret_text, struct ein_error *err)
{
    EIN_JSON json_t *members = without_own(doc);
    size_t len;
    char *text;
    int r;

    if (!members)
        return error_no_memory(err);
    text = host->json_text(members, &len);
    if (!text)
        return error_set(err, EIN_E_INVALID, "The document cannot be written as JSON");
    r = check_len(len, max_bytes, err);
    if (r < 0)
        host->mem_free(text);
    else
        *ret_text = (struct doc_text){ text, len, doc, text };
    return r;
}

int doc_put_text(const struct ein_host *host, const struct ein_doc_op *op, size_t stride,
                 size_t max_bytes, struct doc_text *ret_text, struct ein_error *err)
{
    const char *text = doc_op_text(op, stride);

    if (!text)
        return doc_encode(host, op->doc, max_bytes, ret_text, err);
    *ret_text = (struct doc_text){ .text = text, .len = strlen(text) };
    return check_len(ret_text->len, max_bytes, err);
}

int doc_decode(const char *text, size_t len, const char *id, const char *rev, json_t **ret_doc,
               struct ein_error *err)
{
    json_error_t at;
    EIN_JSON json_t *members = json_loadb(text, len, JSON_ALLOW_NUL, &at);
    EIN_JSON json_t *doc = json_object();

    if (!members)
        return error_set(err, EIN_E_INTERNAL, "What is stored as document '%.80s' is not JSON: %s",
                         id, at.text);
    if (!doc || json_object_set_new(doc, "_id", json_string(id)) < 0 ||
        json_object_set_new(doc, "_rev", json_string(rev)) < 0 ||
        json_object_update(doc, members) < 0)
        return error_no_memory(err);

    *ret_doc = EIN_TAKE(doc);
    return 0;
}

const char *doc_id(const json_t *doc)
{
    return text_of(doc, "_id");
}

const char *doc_rev(const json_t *doc)
{
    return text_of(doc, "_rev");
}

/* ---- writes ---- */

int doc_expect(const struct ein_doc_op *op, const char *found, struct ein_error *err)
{
    if (!found && op->kind == EIN_DOC_DELETE)
        return error_set(err, EIN_E_NOT_FOUND, "Document '%s' not found for deletion.", op->id);
    if (!found && op->kind == EIN_DOC_UPDATE)
        return doc_not_found(op->set, op->id, err);

    if (!op->expect)
        return 0;
    if (!*op->expect) {
        if (found)
            return error_set(err, EIN_E_CONFLICT, "Document '%s' in '%s' already exists", op->id,
                             op->set);
        return 0;
    }
    if (!found || strcmp(op->expect, found) != 0)
        return error_set(err, EIN_E_CONFLICT,
                         "Document '%s' in '%s' has changed: expected revision %.40s, found %s",
                         op->id, op->set, op->expect, found ? found : "none");
    return 0;
}

static int add_to(json_t *doc, const struct ein_doc_op *op, struct ein_error *err)
{
    const json_t *old = json_object_get(doc, op->add_field);
    int64_t sum;

    if (old && !json_is_null(old) && !json_is_integer(old))
        return error_set(err, EIN_E_INVALID, "'%s' of document '%s' is not an integer",
                         op->add_field, op->id);
    if (__builtin_add_overflow(json_integer_value(old), op->add_by, &sum))
        return error_set(err, EIN_E_INVALID, "'%s' of document '%s' would leave the 64-bit range",
                         op->add_field, op->id);
    if (sum < op->add_min)
        return error_set(err, EIN_E_CONFLICT,
                         "'%s' of document '%s' would become %" PRId64 ", below %" PRId64,
                         op->add_field, op->id, sum, op->add_min);
    if (json_object_set_new(doc, op->add_field, json_integer(sum)) < 0)
        return error_no_memory(err);
    return 0;
}

int doc_update(const struct ein_doc_op *op, const json_t *stored, json_t **ret_doc,
               struct ein_error *err)
{
    EIN_JSON json_t *doc = json_copy((json_t *)stored);
    const char *name;
    json_t *value;

    if (!doc)
        return error_no_memory(err);
    json_object_foreach((json_t *)op->doc, name, value)
    {
        if (!is_own(name) && json_object_set(doc, name, value) < 0)
            return error_no_memory(err);
    }

    int r = op->add_field ? add_to(doc, op, err) : 0;
    if (r < 0)
        return r;
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int doc_with_integer(const json_t *stored, const char *field, int64_t value, json_t **ret_doc,
                     struct ein_error *err)
{
    EIN_JSON json_t *doc = json_copy((json_t *)stored);

    if (!doc || json_object_set_new(doc, field, json_integer(value)) < 0)
        return error_no_memory(err);
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int doc_revise(const char *old, uint64_t *seed, char ret_rev[EIN_REV_SIZE], struct ein_error *err)
{
    uint64_t count = old ? strtoull(old, NULL, 10) : 0;
    uint64_t own = 0, random;
    struct buf out;

    if (!seed)
        seed = &own;
    if (!*seed && getrandom(seed, sizeof(*seed), 0) != sizeof(*seed))
        return error_set(err, EIN_E_INTERNAL, "The system has no random bytes for a revision");
    random = mix((*seed)++);
    buf_init_in(&out, ret_rev, EIN_REV_SIZE, EIN_REV_SIZE - 1);
    out_number(&out, count + 1);
    out_put(&out, "-");
    hex_encode(&random, sizeof(random), ret_rev + out.len);
    return 0;
}
