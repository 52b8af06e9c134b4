/* SPDX-License-Identifier: Apache-2.0 */
#include "touches.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"

enum { TOUCHES_MAX = 4096 }; /* records noted before they are written in between */

int touches_init(struct touches *touches)
{
    touches->by_id = json_object();
    return touches->by_id && pthread_mutex_init(&touches->lock, NULL) == 0 ? 0 : EIN_E_NO_MEMORY;
}

void touches_done(struct touches *touches)
{
    json_decref(touches->by_id);
    pthread_mutex_destroy(&touches->lock);
}

/* Under the lock: adds `count` reads; how many records are noted now. */
static int note(struct touches *touches, const char *id, const char *agent, json_int_t count)
{
    char now[CLOCK_ISO_SIZE];
    const json_t *old = json_object_get(touches->by_id, id);

    clock_iso(now);
    count += json_integer_value(json_object_get(old, "count"));
    json_t *touch = json_pack("{s:s?, s:s, s:I}", "agent", agent, "at", now, "count", count);
    if (json_object_set_new(touches->by_id, id, touch))
        return EIN_E_NO_MEMORY;
    return (int)json_object_size(touches->by_id);
}

int touches_add(struct touches *touches, const struct data_store *store, const char *id,
                const char *agent, struct ein_error *err)
{
    int noted;
    {
        EIN_LOCKED(&touches->lock);
        noted = note(touches, id, agent, 1);
    }
    if (noted < 0)
        return error_no_memory(err);
    return noted < TOUCHES_MAX ? 0 : touches_write(touches, store, err);
}

void touches_renew(struct touches *touches, const char *id, const char *agent)
{
    EIN_LOCKED(&touches->lock);
    if (json_object_get(touches->by_id, id))
        (void)note(touches, id, agent, 0);
}

void touches_forget(struct touches *touches, const char *id)
{
    EIN_LOCKED(&touches->lock);
    json_object_del(touches->by_id, id);
}

static struct ein_doc_op touch_op(const char *id, const json_t *touch, const json_t *doc)
{
    return (struct ein_doc_op){
        .kind = EIN_DOC_UPDATE,
        .set = DATA_STORE_SET,
        .id = id,
        .doc = doc,
        .add_field = "accessCount",
        .add_by = json_integer_value(json_object_get(touch, "count")),
    };
}

static json_t *touch_doc(const json_t *touch)
{
    return json_pack("{s:O, s:O}", "lastAccessedByAgent", json_object_get(touch, "agent"),
                     "lastAccessedAt", json_object_get(touch, "at"));
}

/* One by one, where some of the records may be gone. */
static int write_singly(const struct data_store *store, struct ein_doc_op *ops, size_t count,
                        struct ein_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int r = store->host->store->batch(store->ctx, &ops[i], 1, sizeof(*ops), err);
        if (r < 0 && r != EIN_E_NOT_FOUND)
            return r;
    }
    return 0;
}

int touches_write(struct touches *touches, const struct data_store *store, struct ein_error *err)
{
    EIN_JSON json_t *noted = NULL;
    EIN_JSON json_t *docs = json_array();
    const char *id;
    json_t *touch;
    size_t count = 0;
    {
        EIN_LOCKED(&touches->lock);
        json_t *empty = json_object();
        if (!empty)
            return error_no_memory(err);
        noted = touches->by_id;
        touches->by_id = empty;
    }

    EIN_FREE struct ein_doc_op *ops = calloc(json_object_size(noted) + 1, sizeof(*ops));
    if (!ops || !docs)
        return error_no_memory(err);
    json_object_foreach(noted, id, touch)
    {
        if (json_array_append_new(docs, touch_doc(touch)))
            return error_no_memory(err);
        ops[count] = touch_op(id, touch, json_array_get(docs, count));
        count++;
    }
    if (!count)
        return 0;
    int r = store->host->store->batch(store->ctx, ops, count, sizeof(*ops), err);
    return r == EIN_E_NOT_FOUND ? write_singly(store, ops, count, err) : r;
}
