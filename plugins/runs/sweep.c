/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "erase.h"
#include "error.h"
#include "http_json.h"
#include "runs.h"

#include <string.h>

enum {
    SWEEP_LEASE_MS = 30000, /* of the server that deals with it */
    ROOM_PART = 16,         /* of what may be kept is freed at once */
    WEIGH_MS = 600000       /* how often what other servers have added is looked for */
};

/* ---- deleting ---- */

/* The record goes last: while it is there, somebody will come for the rest. */
int sweep_delete(const struct runs *runs, const char *id, const char *rev, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s}", "runId", id);
    int r = where ? delete_all(runs->host, runs->ctx, EVENTS_SET, where, NULL, err)
                  : error_no_memory(err);

    if (r >= 0)
        r = runs->host->store->del(runs->ctx, RUNS_SET, id, rev, err);
    if (r >= 0) /* it may have ended before its server saw the wish */
        (void)runs->host->store->del(runs->ctx, STOPS_SET, id, EIN_REV_ANY, NULL);
    return r;
}

/* ---- forgetting a user ---- */

/* What goes on is stopped first. */
static int erase_run(void *self, const json_t *record, struct ein_error *err)
{
    const char *id = text_of(record, "_id");

    return record_is_running(record) ? runs_service.stop(self, id, NULL, err)
                                     : sweep_delete(self, id, text_of(record, "_rev"), err);
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    static const char *const members[] = { "status", NULL };
    static const struct erase_what what = {
        .set = RUNS_SET, .field = "userId", .members = members, .one = erase_run
    };
    struct runs *runs = impl;
    int r = writer_flush(runs, err); /* what is still on its way would come back */

    *ret_count = 0;
    return r < 0 ? r : erase_some(runs->host, runs->ctx, &what, runs, uid, ret_count, err);
}

const struct ein_erasure runs_erasure = { .struct_size = sizeof(runs_erasure), .erase = erase };

/* ---- what is due ---- */

static int lose(const struct runs *runs, const json_t *record, struct ein_error *err)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    EIN_JSON json_t *end = json_pack("{s:s, s:s, s:s, s:s, s:I}", "status", "lost", "reason",
                                     "The server that ran it died, or could not reach the store.",
                                     "error", "The run was lost.", "endedAt", now, "dueAt",
                                     (json_int_t)(clock_wall_ms() + runs->keep_ms));
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = RUNS_SET,
                             .id = text_of(record, "_id"),
                             .expect = text_of(record, "_rev"),
                             .doc = end };

    return end ? runs->host->store->batch(runs->ctx, &op, 1, sizeof(op), err)
               : error_no_memory(err);
}

static int due(const struct runs *runs, const char *set, const json_t *doc, struct ein_error *err)
{
    const char *id = text_of(doc, "_id"), *rev = text_of(doc, "_rev");
    int r;

    if (strcmp(set, RUNS_SET) != 0)
        r = runs->host->store->del(runs->ctx, set, id, rev, err);
    else if (record_is_running(doc))
        r = lose(runs, doc, err);
    else
        r = sweep_delete(runs, id, rev, err);
    return r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND ? 0 : r;
}

static int sweep_set(const struct runs *runs, const char *set, struct ein_error *err)
{
    int r = 1;

    while (r > 0) {
        EIN_JSON json_t *doc = NULL;
        r = runs->host->store->claim(runs->ctx, set, "dueAt", clock_wall_ms(), SWEEP_LEASE_MS, &doc,
                                     err);
        if (r > 0 && (r = due(runs, set, doc, err)) == 0)
            r = 1;
    }
    return r;
}

/* ---- what is too much ---- */

struct weighing {
    int64_t most, bytes; /* those of all records so far: they come newest first */
    json_t *too_many;    /* [id, revision] of the rest */
};

static int weigh(const json_t *record, void *data)
{
    struct weighing *weighing = data;

    int64_t bytes = integer_of(record, "bytes");

    if (weighing->bytes + bytes > weighing->most && !record_is_running(record))
        return json_array_append_new(weighing->too_many, json_pack("[s, s]", text_of(record, "_id"),
                                                                   text_of(record, "_rev")));
    weighing->bytes += bytes;
    return 0;
}

/* May there be too much?  To look at all records is dear, so it is done when enough was added here.
 */
static bool is_weighing_due(struct runs *runs)
{
    EIN_LOCKED(&runs->lock);

    return runs->weighed_ms == 0 || clock_mono_ms() - runs->weighed_ms > WEIGH_MS ||
           runs->weighed_bytes + runs->added_bytes > runs->keep_bytes;
}

static void note_weight(struct runs *runs, int64_t bytes, int64_t before)
{
    EIN_LOCKED(&runs->lock);

    runs->added_bytes -= before;
    runs->weighed_bytes = bytes;
    runs->weighed_ms = clock_mono_ms();
}

static int64_t added_bytes(struct runs *runs)
{
    EIN_LOCKED(&runs->lock);

    return runs->added_bytes;
}

/* The oldest go until there is some room for new ones. */
static int sweep_size(struct runs *runs, struct ein_error *err)
{
    static const char *const newest_first[] = { "-startedMs", NULL };
    static const char *const fields[] = { "bytes", "status", NULL };
    EIN_JSON json_t *too_many = json_array();
    struct weighing weighing = { .most = runs->keep_bytes, .too_many = too_many };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .order = newest_first,
                                     .fields = fields };
    int64_t before = added_bytes(runs);
    const json_t *pair;
    size_t i;

    if (runs->weighed_bytes + before > runs->keep_bytes)
        weighing.most -= runs->keep_bytes / ROOM_PART;
    int r = runs->host->store->find(runs->ctx, RUNS_SET, &query, weigh, &weighing, NULL, err);
    if (r >= 0)
        note_weight(runs, weighing.bytes, before);
    json_array_foreach(too_many, i, pair)
    {
        if (r < 0)
            break;
        r = sweep_delete(runs, json_string_value(json_array_get(pair, 0)),
                         json_string_value(json_array_get(pair, 1)), err);
        r = r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND ? 0 : r;
    }
    return r;
}

void sweep(void *data)
{
    static const char *const sets[] = { RUNS_SET, CODE_SET, STOPS_SET };
    struct runs *runs = data;
    struct ein_error err = { 0 };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < sizeof(sets) / sizeof(sets[0]); i++)
        r = sweep_set(runs, sets[i], &err);
    if (r >= 0 && runs->keep_bytes > 0 && is_weighing_due(runs))
        r = sweep_size(runs, &err);
    if (r < 0)
        runs->host->log_msg(runs->ctx, EIN_ERROR, "Old records of runs could not be deleted: %s",
                            err.text);
}
