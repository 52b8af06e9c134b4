/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

/* What one operation did, so that it can be undone. */
struct change {
    struct memory_set *set;
    struct memory_doc *doc; /* NULL: nothing */
    json_t *before;         /* what was replaced; NULL: created or deleted */
    bool deleted;
    char rev[EIN_REV_SIZE];
};

/* ---- sets and documents ---- */

static void drop_doc(struct map_entry *entry)
{
    struct memory_doc *doc = (struct memory_doc *)entry;

    json_decref(doc->json);
    free(doc);
}

static void drop_set(struct map_entry *entry)
{
    struct memory_set *set = (struct memory_set *)entry;

    map_done(&set->docs, drop_doc);
    free(set);
}

int memory_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
               struct memory **ret_memory, struct ein_error *err)
{
    struct memory *memory = calloc(1, sizeof(*memory));

    if (!memory)
        return error_no_memory(err);
    if (map_init(&memory->sets) < 0) {
        free(memory);
        return error_set(err, EIN_E_INTERNAL, "The system has no random bytes");
    }
    memory->host = host;
    memory->ctx = ctx;
    memory->max_bytes = (size_t)json_integer_value(json_object_get(config, "max_document_bytes"));
    pthread_rwlock_init(&memory->lock, NULL);
    *ret_memory = memory;
    return 0;
}

void memory_free(void *self)
{
    struct memory *memory = self;

    if (!memory)
        return;
    map_done(&memory->sets, drop_set);
    pthread_rwlock_destroy(&memory->lock);
    free(memory);
}

struct memory_set *memory_find_set(const struct memory *memory, const char *name)
{
    return (struct memory_set *)map_find(&memory->sets, name, strlen(name));
}

static struct memory_doc *find_doc(const struct memory_set *set, const char *id)
{
    return set ? (struct memory_doc *)map_find(&set->docs, id, strlen(id)) : NULL;
}

static struct memory_set *add_set(struct memory *memory, const char *name)
{
    size_t len = strlen(name);
    struct memory_set *set = calloc(1, sizeof(*set) + len + 1);

    if (!set || map_init(&set->docs) < 0) {
        free(set);
        return NULL;
    }
    memcpy(set->name, name, len + 1);
    set->entry.key = set->name;
    set->entry.key_len = len;
    if (map_add(&memory->sets, &set->entry) < 0) {
        free(set);
        return NULL;
    }
    return set;
}

static void link_doc(struct memory_set *set, struct memory_doc *doc)
{
    *(doc->prev ? &doc->prev->next : &set->first) = doc;
    *(doc->next ? &doc->next->prev : &set->last) = doc;
}

static void unlink_doc(struct memory_set *set, struct memory_doc *doc)
{
    *(doc->prev ? &doc->prev->next : &set->first) = doc->next;
    *(doc->next ? &doc->next->prev : &set->last) = doc->prev;
    map_remove(&set->docs, &doc->entry);
}

/* At the end of the set; takes the JSON unless it fails. */
static struct memory_doc *add_doc(struct memory *memory, struct memory_set *set, const char *id,
                                  json_t *json)
{
    size_t len = strlen(id);
    struct memory_doc *doc = calloc(1, sizeof(*doc) + len + 1);

    if (!doc)
        return NULL;
    memcpy(doc->id, id, len + 1);
    doc->entry.key = doc->id;
    doc->entry.key_len = len;
    if (map_add(&set->docs, &doc->entry) < 0) {
        free(doc);
        return NULL;
    }
    doc->json = json;
    doc->seq = ++memory->last_seq;
    doc->prev = set->last;
    link_doc(set, doc);
    return doc;
}

/* ---- reading ---- */

int memory_get(void *impl, const char *set, const char *id, json_t **ret_doc, struct ein_error *err)
{
    struct memory *memory = impl;
    int r = doc_check_names(set, id, err);

    if (r < 0)
        return r;
    pthread_rwlock_rdlock(&memory->lock);
    const struct memory_doc *doc = find_doc(memory_find_set(memory, set), id);
    json_t *json = doc ? json_incref(doc->json) : NULL;
    pthread_rwlock_unlock(&memory->lock);

    if (!json)
        return doc_not_found(set, id, err);
    *ret_doc = json;
    return 0;
}

/* ---- writing ---- */

int memory_revise(const struct memory *memory, const json_t *members, const char *id,
                  const char *old_rev, json_t **ret_json, struct ein_error *err)
{
    char rev[EIN_REV_SIZE];
    struct doc_text text = { 0 };
    int r = doc_encode(memory->host, members, memory->max_bytes, &text, err);

    if (r >= 0)
        r = doc_revise(old_rev, NULL, rev, err);
    if (r >= 0)
        r = doc_decode(text.text, text.len, id, rev, ret_json, err);
    memory->host->mem_free(text.own);
    return r;
}

static int store(struct memory *memory, const struct ein_doc_op *op, const json_t *members,
                 struct change *change, struct ein_error *err)
{
    struct memory_doc *doc = find_doc(change->set, op->id);
    EIN_JSON json_t *json = NULL;
    int r = memory_revise(memory, members, op->id, doc ? doc_rev(doc->json) : NULL, &json, err);

    if (r < 0)
        return r;
    snprintf(change->rev, sizeof(change->rev), "%s", doc_rev(json));
    if (doc) {
        change->doc = doc;
        change->before = doc->json;
        doc->json = EIN_TAKE(json);
        return 0;
    }
    if (!change->set)
        change->set = add_set(memory, op->set);
    if (change->set)
        change->doc = add_doc(memory, change->set, op->id, json);
    if (!change->doc)
        return error_no_memory(err);
    (void)EIN_TAKE(json);
    return 0;
}

static int update(struct memory *memory, const struct ein_doc_op *op, const json_t *stored,
                  struct change *change, struct ein_error *err)
{
    EIN_JSON json_t *members = NULL;
    int r = doc_update(op, stored, &members, err);

    return r < 0 ? r : store(memory, op, members, change, err);
}

static int put(struct memory *memory, const struct ein_doc_op *op, const char *text,
               struct change *change, struct ein_error *err)
{
    EIN_JSON json_t *read = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;

    if (text && !read)
        return error_set(err, EIN_E_INVALID, "Document '%s' is not JSON", op->id);
    return store(memory, op, text ? read : op->doc, change, err);
}

static int apply(struct memory *memory, const struct ein_doc_op *op, const char *text,
                 struct change *change, struct ein_error *err)
{
    change->set = memory_find_set(memory, op->set);
    struct memory_doc *doc = find_doc(change->set, op->id);
    int r = doc_expect(op, doc ? doc_rev(doc->json) : NULL, err);

    if (r < 0)
        return r;
    switch (op->kind) {
    case EIN_DOC_PUT:
        return put(memory, op, text, change, err);
    case EIN_DOC_UPDATE:
        return update(memory, op, doc->json, change, err);
    case EIN_DOC_DELETE:
        change->doc = doc;
        change->deleted = true;
        unlink_doc(change->set, doc);
        return 0;
    }
    return 0; /* EIN_DOC_CHECK */
}

static void undo(struct change *change)
{
    struct memory_doc *doc = change->doc;

    if (!doc)
        return;
    if (change->deleted) {
        link_doc(change->set, doc);
        (void)map_add(&change->set->docs, &doc->entry); /* its slot has just become free */
    } else if (change->before) {
        json_decref(doc->json);
        doc->json = change->before;
    } else {
        unlink_doc(change->set, doc);
        drop_doc(&doc->entry);
    }
}

static void settle(struct change *change, struct ein_doc_op *op)
{
    memcpy(op->ret_rev, change->rev, sizeof(op->ret_rev));
    json_decref(change->before);
    if (change->deleted)
        drop_doc(&change->doc->entry);
}

int memory_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    struct memory *memory = impl;
    int r = doc_check_ops(ops, count, stride, err);

    if (r < 0)
        return r;
    EIN_FREE struct change *changes = calloc(count + 1, sizeof(*changes));
    if (!changes)
        return error_no_memory(err);

    size_t done = 0;
    pthread_rwlock_wrlock(&memory->lock);
    while (r >= 0 && done < count) {
        const struct ein_doc_op *op = doc_op_at(ops, done, stride);
        r = apply(memory, op, doc_op_text(op, stride), &changes[done], err);
        done += r >= 0;
    }
    if (r < 0)
        while (done--)
            undo(&changes[done]);
    else
        for (size_t i = 0; i < count; i++)
            settle(&changes[i], doc_op_at(ops, i, stride));
    pthread_rwlock_unlock(&memory->lock);
    return r;
}
