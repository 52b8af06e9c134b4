/* SPDX-License-Identifier: Apache-2.0 */
/* Many write at once, and the chain has one end: the first to come writes for all who came
 * meanwhile, in one batch with the head.  Another server may have been quicker: its head is read,
 * and the entries are made anew behind it. */
#include "audit.h"

#include "cleanup.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP_MAX = 256, TRIES_MAX = 1000 };

struct waiting {
    struct waiting *next;
    const json_t *event;
    bool done;
    int result;
    struct ein_error err;
};

/* ---- writing ---- */

struct group {
    struct waiting *list[GROUP_MAX];
    size_t count;
    struct ein_doc_op ops[GROUP_MAX + 1]; /* the head's first */
    char ids[GROUP_MAX][ENTRY_ID_SIZE];
};

static struct ein_doc_op entry_op(const char *id, const json_t *doc)
{
    return (struct ein_doc_op){
        .kind = EIN_DOC_PUT, .set = AUDIT_SET, .id = id, .expect = EIN_REV_NEW, .doc = doc
    };
}

static int make_entries(const struct audit *audit, struct group *group, struct head *next,
                        json_t *docs, struct ein_error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        json_t *doc;
        char mac[MAC_SIZE];
        int r = entry_make(audit->host, &audit->key, group->list[i]->event, ++next->seq, next->mac,
                           mac, &doc, err);
        if (r < 0)
            return r;
        memcpy(next->mac, mac, sizeof(mac));
        if (json_array_append_new(docs, doc) < 0)
            return error_no_memory(err);
        entry_id(next->seq, group->ids[i]);
        group->ops[i + 1] = entry_op(group->ids[i], doc);
    }
    return 0;
}

/* CONFLICT: another server has written. */
static int write_once(struct audit *audit, struct group *group, struct ein_error *err)
{
    EIN_JSON json_t *docs = json_array();
    EIN_JSON json_t *head_doc = NULL;
    struct head next = audit->head;
    int r = docs ? make_entries(audit, group, &next, docs, err) : EIN_E_NO_MEMORY;

    if (r < 0)
        return r;
    head_doc = audit_head_doc(&audit->key, &next);
    if (!head_doc)
        return error_no_memory(err);
    group->ops[0] = (struct ein_doc_op){ .kind = EIN_DOC_PUT,
                                         .set = AUDIT_HEAD_SET,
                                         .id = AUDIT_HEAD_ID,
                                         .expect = audit->head.rev,
                                         .doc = head_doc };
    r = audit->host->store->batch(audit->ctx, group->ops, group->count + 1, sizeof(group->ops[0]),
                                  err);
    if (r < 0)
        return r;
    memcpy(next.rev, group->ops[0].ret_rev, sizeof(next.rev));
    audit->head = next;
    return 0;
}

static int write_group(struct audit *audit, struct group *group, struct ein_error *err)
{
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++) {
        r = audit->known ? 0 : audit_load(audit, true, &audit->key, &audit->head, err);
        if (r < 0)
            return r;
        audit->known = true;
        r = write_once(audit, group, err);
        audit->known = r >= 0;
    }
    return r;
}

/* ---- waiting ---- */

static void take_group(struct audit *audit, struct group *group)
{
    for (group->count = 0; audit->first && group->count < GROUP_MAX; group->count++) {
        group->list[group->count] = audit->first;
        audit->first = audit->first->next;
    }
    if (!audit->first)
        audit->last = &audit->first;
}

static void answer_group(const struct group *group, int result, const struct ein_error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        group->list[i]->result = result;
        group->list[i]->err = *err;
        group->list[i]->done = true;
    }
}

/* Under the lock, but for the writing itself. */
static void write_for_all(struct audit *audit, struct group *group)
{
    struct ein_error err = { 0 };

    audit->writing = true;
    take_group(audit, group);
    pthread_mutex_unlock(&audit->lock);
    int r = write_group(audit, group, &err);
    if (r < 0 && !err.code)
        error_set(&err, r, "The audit log could not be written");
    pthread_mutex_lock(&audit->lock);
    answer_group(group, r, &err);
    audit->writing = false;
    pthread_cond_broadcast(&audit->written);
}

static int wait_until_written(struct audit *audit, struct waiting *self, struct group *group)
{
    EIN_LOCKED(&audit->lock);

    *audit->last = self;
    audit->last = &self->next;
    while (!self->done) {
        if (audit->writing)
            pthread_cond_wait(&audit->written, &audit->lock);
        else
            write_for_all(audit, group);
    }
    return self->result;
}

int audit_append(void *impl, json_t *take_event, struct ein_error *err)
{
    struct audit *audit = impl;
    EIN_JSON json_t *event = take_event;
    EIN_FREE struct group *group = malloc(sizeof(*group));
    struct waiting self = { .event = event };
    int r = entry_check(audit->host, event, err);

    if (r < 0)
        return r;
    if (!group)
        return error_no_memory(err);
    r = wait_until_written(audit, &self, group);
    if (r < 0) {
        audit->host->log_msg(audit->ctx, EIN_ERROR, "An entry is missing from the audit log: %s",
                             self.err.text);
        if (err)
            *err = self.err;
    }
    return r;
}
