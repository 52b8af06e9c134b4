/* SPDX-License-Identifier: Apache-2.0 */
#include "storage_model.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct model_doc *doc)
{
    free(doc->id);
    json_decref(doc->members);
}

void model_done(struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        drop(&model->docs[i]);
    free(model->docs);
    *model = (struct model){ 0 };
}

void model_copy(struct model *to, const struct model *from)
{
    *to = *from;
    to->docs = calloc(from->count + 1, sizeof(*to->docs));
    for (size_t i = 0; i < from->count; i++) {
        to->docs[i] = from->docs[i];
        to->docs[i].id = strdup(from->docs[i].id);
        json_incref(to->docs[i].members);
    }
}

struct model_doc *model_get(struct model *model, const char *id)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->docs[i].id, id) == 0)
            return &model->docs[i];
    return NULL;
}

/* ---- writing ---- */

static void set_members(struct model_doc *doc, json_t *take)
{
    json_decref(doc->members);
    doc->members = take;
}

static json_t *without_own(const json_t *doc)
{
    json_t *copy = json_copy((json_t *)doc);

    json_object_del(copy, "_id");
    json_object_del(copy, "_rev");
    return copy;
}

static void put(struct model *model, const struct ein_doc_op *op, struct model_doc *doc)
{
    if (!doc) {
        model->docs = realloc(model->docs, (model->count + 1) * sizeof(*model->docs));
        doc = &model->docs[model->count++];
        *doc = (struct model_doc){ .id = strdup(op->id), .seq = ++model->last_seq };
    }
    set_members(doc, without_own(op->doc));
}

static int update(const struct ein_doc_op *op, struct model_doc *doc)
{
    json_t *members = json_copy(doc->members), *changes = op->doc ? without_own(op->doc) : NULL;
    const json_t *old;
    int64_t sum;
    int r = 0;

    json_object_update(members, changes);
    json_decref(changes);
    if (op->add_field) {
        old = json_object_get(members, op->add_field);
        if ((old && !json_is_null(old) && !json_is_integer(old)) ||
            __builtin_add_overflow(json_integer_value(old), op->add_by, &sum))
            r = EIN_E_INVALID;
        else if (sum < op->add_min)
            r = EIN_E_CONFLICT;
        else
            json_object_set_new(members, op->add_field, json_integer(sum));
    }
    set_members(doc, r < 0 ? json_incref(doc->members) : json_incref(members));
    json_decref(members);
    return r;
}

static int apply(struct model *model, const struct ein_doc_op *op)
{
    struct model_doc *doc = model_get(model, op->id);

    if (!doc && (op->kind == EIN_DOC_UPDATE || op->kind == EIN_DOC_DELETE))
        return EIN_E_NOT_FOUND;
    if (op->expect && (*op->expect ? !doc || strcmp(doc->revs[0], op->expect) != 0 : doc != NULL))
        return EIN_E_CONFLICT;
    if (op->kind == EIN_DOC_PUT)
        put(model, op, doc);
    else if (op->kind == EIN_DOC_UPDATE)
        return update(op, doc);
    else if (op->kind == EIN_DOC_DELETE) {
        drop(doc);
        model->count--;
        memmove(doc, doc + 1, (size_t)(model->docs + model->count - doc) * sizeof(*doc));
    }
    return 0;
}

int model_batch(struct model *model, const struct ein_doc_op *ops, size_t count)
{
    struct model tried;

    model_copy(&tried, model);
    for (size_t i = 0; i < count; i++) {
        int r = apply(&tried, &ops[i]);
        if (r < 0) {
            model_done(&tried);
            return r;
        }
        struct model_doc *doc = model_get(&tried, ops[i].id);
        if (doc && ops[i].kind != EIN_DOC_CHECK) /* it has a new one, which nobody knows yet */
            strcpy(doc->revs[0], "?");
    }
    model_done(model);
    *model = tried;
    return 0;
}

/* ---- comparing ---- */

enum rank { NOTHING, NO, YES, NUMBER, TEXT, OTHER };

static enum rank rank_of(const json_t *value)
{
    if (!value || json_is_null(value))
        return NOTHING;
    if (json_is_boolean(value))
        return json_is_true(value) ? YES : NO;
    return json_is_number(value) ? NUMBER : json_is_string(value) ? TEXT : OTHER;
}

/* long double has every int64_t and every double. */
static int compare_numbers(const json_t *a, const json_t *b)
{
    long double x = json_is_integer(a) ? (long double)json_integer_value(a) : json_real_value(a);
    long double y = json_is_integer(b) ? (long double)json_integer_value(b) : json_real_value(b);

    return (x > y) - (x < y);
}

static int compare_texts(const json_t *a, const json_t *b)
{
    size_t a_len = json_string_length(a), b_len = json_string_length(b);
    int r = memcmp(json_string_value(a), json_string_value(b), a_len < b_len ? a_len : b_len);

    return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int compare(const json_t *a, const json_t *b)
{
    enum rank x = rank_of(a), y = rank_of(b);

    if (x != y)
        return x < y ? -1 : 1;
    return x == NUMBER ? compare_numbers(a, b) : x == TEXT ? compare_texts(a, b) : 0;
}

json_t *model_value(const json_t *members, const char *id, const char *path)
{
    char name[256];
    const json_t *at = members;

    if (strcmp(path, "_id") == 0)
        return json_string(id);
    for (; at; path++) {
        size_t len = strcspn(path, ".");
        memcpy(name, path, len);
        name[len] = '\0';
        at = json_object_get(at, name);
        path += len;
        if (!*path)
            break;
    }
    return json_incref((json_t *)at);
}

static bool begins_with(const json_t *text, const json_t *prefix)
{
    size_t len = json_string_length(prefix);

    return json_is_string(text) && json_string_length(text) >= len &&
           memcmp(json_string_value(text), json_string_value(prefix), len) == 0;
}

static bool is_one_of(const json_t *value, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (compare(value, json_array_get(list, i)) == 0)
            return true;
    return false;
}

static bool holds(const json_t *value, const char *op, const json_t *with)
{
    if (rank_of(value) == OTHER)
        return false;
    if (strcmp(op, "$eq") == 0)
        return compare(value, with) == 0;
    if (strcmp(op, "$ne") == 0)
        return compare(value, with) != 0;
    if (strcmp(op, "$in") == 0)
        return is_one_of(value, with);
    if (strcmp(op, "$prefix") == 0)
        return begins_with(value, with);
    if (rank_of(value) == NOTHING)
        return false;
    int r = compare(value, with);
    bool or_equal = op[3] == 'e';
    return (or_equal && r == 0) || (op[1] == 'g' ? r > 0 : r < 0);
}

static bool matches(const struct model_doc *doc, const json_t *where)
{
    const char *field, *op;
    json_t *condition, *with;
    bool all = true;

    json_object_foreach((json_t *)where, field, condition)
    {
        json_t *value = model_value(doc->members, doc->id, field);
        if (!json_is_object(condition))
            all = all && holds(value, "$eq", condition);
        json_object_foreach(condition, op, with)
        {
            all = all && holds(value, op, with);
        }
        json_decref(value);
    }
    return all;
}

static int compare_places(const struct model_place *a, const struct model_place *b,
                          const char *const *order)
{
    for (; order && *order; order++) {
        bool descending = **order == '-';
        json_t *x = model_value(a->members, a->id, *order + descending);
        json_t *y = model_value(b->members, b->id, *order + descending);
        int r = compare(x, y);
        json_decref(x);
        json_decref(y);
        if (r)
            return descending ? -r : r;
    }
    return (a->seq > b->seq) - (a->seq < b->seq);
}

static struct model_place place_of(const struct model_doc *doc)
{
    return (struct model_place){ true, doc->members, doc->id, doc->seq };
}

static int compare_docs(const void *left, const void *right, void *order)
{
    const struct model_place a = place_of(*(const struct model_doc *const *)left),
                             b = place_of(*(const struct model_doc *const *)right);

    return compare_places(&a, &b, order);
}

const struct model_doc **model_find(const struct model *model, const json_t *where,
                                    const char *const *order, const struct model_place *place,
                                    size_t *ret_count)
{
    const struct model_doc **found = calloc(model->count + 1, sizeof(*found));
    size_t count = 0;

    for (size_t i = 0; i < model->count; i++) {
        const struct model_place here = place_of(&model->docs[i]);
        if (matches(&model->docs[i], where) &&
            (!place || !place->set || compare_places(&here, place, order) > 0))
            found[count++] = &model->docs[i];
    }
    qsort_r(found, count, sizeof(*found), compare_docs, (void *)order);
    *ret_count = count;
    return found;
}

struct model_doc *model_claim(struct model *model, const char *due_field, int64_t now,
                              int64_t lease)
{
    struct model_doc *first = NULL;
    int64_t smallest = 0;

    for (size_t i = 0; i < model->count; i++) {
        const json_t *due = json_object_get(model->docs[i].members, due_field);
        if (!json_is_integer(due) || json_integer_value(due) > now ||
            (first && json_integer_value(due) >= smallest))
            continue;
        first = &model->docs[i];
        smallest = json_integer_value(due);
    }
    if (first) {
        json_t *members = json_copy(first->members);
        json_object_set_new(members, due_field, json_integer(now + lease));
        set_members(first, members);
    }
    return first;
}

void model_stand(struct model_place *place, const struct model_doc *behind)
{
    model_leave(place);
    *place =
        (struct model_place){ true, json_incref(behind->members), strdup(behind->id), behind->seq };
}

void model_leave(struct model_place *place)
{
    json_decref(place->members);
    free(place->id);
    *place = (struct model_place){ 0 };
}
