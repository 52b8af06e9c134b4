/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "draining.h"
#include "error.h"
#include "runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WRITTEN_AT_ONCE = 500, /* runs */
    OPS_EACH = 3,          /* its code, its events, itself */
    EVENT_ID_SIZE = RUN_ID_SIZE + 24,
    LOOK_MS = 1000,      /* how often leases and wishes to stop are looked at */
    RETRY_MS = 1000,     /* after the store has failed */
    CODE_SEEN_MAX = 4096 /* hashes that are remembered */
};

struct code_seen {
    struct map_entry entry;
    char hash[65];
    int64_t until_ms; /* clock_mono_ms(): the stored one will be kept long enough until then */
};

void writer_forget_code(struct map_entry *seen)
{
    free(seen);
}

/* What one run wants written. */
struct portion {
    struct ein_run *run;
    json_t *record, *events, *code;
    char events_id[EVENT_ID_SIZE];
};

/* ---- what is there to write ---- */

static struct code_seen *find_seen(const struct runs *runs, const char *hash)
{
    return (struct code_seen *)map_find(&runs->code_seen, hash, strlen(hash));
}

static bool is_seen(const struct runs *runs, const char *hash)
{
    const struct code_seen *seen = find_seen(runs, hash);

    return seen && clock_mono_ms() < seen->until_ms;
}

/* With the lock held: the code HASH was stored.  Those that are forgotten are stored once more,
 * which does no harm. */
static void see(struct runs *runs, const char *hash)
{
    struct code_seen *seen = find_seen(runs, hash);

    if (seen)
        seen->until_ms = clock_mono_ms() + runs->keep_ms;
    if (seen || !(seen = calloc(1, sizeof(*seen))))
        return;
    seen->until_ms = clock_mono_ms() + runs->keep_ms;
    if (runs->code_seen.count >= CODE_SEEN_MAX) {
        map_done(&runs->code_seen, writer_forget_code);
        (void)map_init(&runs->code_seen);
    }
    (void)snprintf(seen->hash, sizeof(seen->hash), "%s", hash);
    seen->entry.key = seen->hash;
    seen->entry.key_len = strlen(seen->hash);
    if (map_add(&runs->code_seen, &seen->entry) < 0)
        free(seen);
}

/* With the lock held. */
static void take(struct ein_run *run, struct portion *portion)
{
    *portion = (struct portion){ .run = run };
    if (!run->moving && json_array_size(run->tail) > 0) {
        run->moving = run->tail;
        run->moving_from = run->tail_from;
        run->tail = json_array();
        run->tail_from += (int64_t)json_array_size(run->moving);
        run->tail_bytes = 0;
    }
    if (run->moving) {
        (void)snprintf(portion->events_id, EVENT_ID_SIZE, "%s.%012" PRId64, run->id,
                       run->moving_from);
        portion->events = json_pack("{s:s, s:I, s:O}", "runId", run->id, "from",
                                    (json_int_t)run->moving_from, "events", run->moving);
    }
    if (run->code && !is_seen(run->runs, run->code_hash))
        portion->code = json_incref(run->code);
    (void)json_object_set_new(run->record, "bytes", json_integer(run->kept.bytes));
    portion->record = json_copy(run->record);
    run->waiting = false;
    run->taken = true;
    run->runs->waiting--;
}

/* All that there are; NULL: no memory. */
static struct portion *take_all(struct runs *runs, size_t *ret_count)
{
    EIN_LOCKED(&runs->lock);
    struct portion *portions = calloc(runs->waiting + 1, sizeof(*portions));
    size_t count = 0;

    for (size_t i = 0; portions && i < runs->live.slot_count; i++) {
        for (struct map_entry *entry = runs->live.slots[i]; entry; entry = entry->next) {
            struct ein_run *run = (struct ein_run *)entry;
            if (run->waiting)
                take(run, &portions[count++]);
        }
    }
    *ret_count = count;
    return portions;
}

/* ---- writing ---- */

static size_t ops_of(const struct portion *portion, struct ein_doc_op *ops)
{
    size_t count = 0;

    if (portion->code)
        ops[count++] = (struct ein_doc_op){ .kind = EIN_DOC_PUT,
                                            .set = CODE_SET,
                                            .id = portion->run->code_hash,
                                            .doc = portion->code };
    if (portion->events)
        ops[count++] = (struct ein_doc_op){
            .kind = EIN_DOC_PUT, .set = EVENTS_SET, .id = portion->events_id, .doc = portion->events
        };
    if (portion->record)
        ops[count++] = (struct ein_doc_op){
            .kind = EIN_DOC_PUT, .set = RUNS_SET, .id = portion->run->id, .doc = portion->record
        };
    return count;
}

static void settle(struct runs *runs, struct portion *portions, size_t count, bool written)
{
    EIN_LOCKED(&runs->lock);

    for (size_t i = 0; i < count; i++) {
        struct ein_run *run = portions[i].run;
        bool has_code = portions[i].code;

        json_decref(portions[i].record);
        json_decref(portions[i].events);
        json_decref(portions[i].code);
        run->taken = false;
        if (!written) {
            live_touch(run);
            continue;
        }
        json_decref(run->moving);
        run->moving = NULL;
        json_decref(run->code);
        run->code = NULL;
        if (has_code)
            see(runs, run->code_hash);
        (void)pthread_cond_broadcast(&run->grown);
        live_free_if_done(run);
    }
}

static int write_some(struct runs *runs, struct portion *portions, size_t count,
                      struct ein_error *err)
{
    EIN_FREE struct ein_doc_op *ops = calloc(count, OPS_EACH * sizeof(*ops));
    size_t op_count = 0;

    for (size_t i = 0; ops && i < count; i++)
        op_count += ops_of(&portions[i], ops + op_count);
    int r = ops ? runs->host->store->batch(runs->ctx, ops, op_count, sizeof(*ops), err)
                : error_no_memory(err);
    settle(runs, portions, count, r >= 0);
    return r;
}

int writer_flush(struct runs *runs, struct ein_error *err)
{
    EIN_LOCKED(&runs->write_lock);
    size_t count = 0;
    EIN_FREE struct portion *portions = take_all(runs, &count);
    int r = portions ? 0 : error_no_memory(err);

    for (size_t i = 0; i < count; i += WRITTEN_AT_ONCE) {
        size_t some = count - i < WRITTEN_AT_ONCE ? count - i : WRITTEN_AT_ONCE;
        if (r >= 0)
            r = write_some(runs, portions + i, some, err);
        else
            settle(runs, portions + i, some, false);
    }
    return r;
}

/* ---- leases and wishes ---- */

/* With the lock held. */
static void extend(struct ein_run *run)
{
    int64_t due_ms = integer_of(run->record, "dueAt");

    if (run->ended || due_ms - clock_wall_ms() > run->runs->lease_ms * INT64_C(2) / 3)
        return;
    (void)json_object_set_new(run->record, "dueAt",
                              json_integer(clock_wall_ms() + run->runs->lease_ms));
    live_touch(run);
}

/* A run that its client has left goes on, but not when the server wants to end. */
static bool is_left(const struct ein_run *run)
{
    return run->detached && run->parent && !run->ended &&
           run->runs->host->cancel->fired(run->parent);
}

static bool extend_all(struct runs *runs)
{
    bool left = false;

    EIN_LOCKED(&runs->lock);
    for (size_t i = 0; i < runs->live.slot_count; i++) {
        for (struct map_entry *entry = runs->live.slots[i]; entry; entry = entry->next) {
            extend((struct ein_run *)entry);
            left |= is_left((struct ein_run *)entry);
        }
    }
    return left;
}

static int grant(const json_t *wish, void *data)
{
    struct runs *runs = data;
    const char *id = text_of(wish, "_id"), *by = text_of(wish, "by");

    if (live_stop(runs, id, by ? by : "Somebody") == 0)
        (void)runs->host->store->del(runs->ctx, STOPS_SET, id, EIN_REV_ANY, NULL);
    return 0;
}

static void look(struct runs *runs)
{
    if (extend_all(runs) && server_is_draining(runs->host, runs->ctx))
        live_stop_all(runs);
    live_stop_blocked(runs);
    (void)runs->host->store->find(runs->ctx, STOPS_SET, NULL, grant, runs, NULL, NULL);
}

/* ---- the thread ---- */

/* With the lock held. */
static void wait_while(struct runs *runs, bool for_work, int64_t ms)
{
    const struct timespec until = clock_deadline(ms);

    while (!runs->stopping && (!for_work || runs->waiting == 0) &&
           pthread_cond_clockwait(&runs->changed, &runs->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

/* Waits for work, and then a little for more of it. */
static bool wait_for_work(struct runs *runs, bool works)
{
    EIN_LOCKED(&runs->lock);

    if (runs->live.count == 0 && !runs->stopping)
        (void)pthread_cond_wait(&runs->changed, &runs->lock);
    wait_while(runs, true, LOOK_MS);
    if (runs->waiting > 0)
        wait_while(runs, false, works ? runs->write_ms : RETRY_MS);
    return !runs->stopping || runs->waiting > 0;
}

static void *write_records(void *data)
{
    struct runs *runs = data;
    struct ein_error err = { 0 };
    int64_t looked_ms = clock_mono_ms();
    bool works = true;

    while (wait_for_work(runs, works)) {
        bool worked = works;
        works = writer_flush(runs, &err) >= 0;
        if (worked && !works)
            runs->host->log_msg(runs->ctx, EIN_ERROR, "Records of runs cannot be written: %s",
                                err.text);
        if (!works && runs->stopping)
            break;
        if (clock_mono_ms() - looked_ms >= LOOK_MS) {
            looked_ms = clock_mono_ms();
            look(runs);
        }
    }
    return NULL;
}

int writer_start(struct runs *runs, struct ein_error *err)
{
    if (pthread_create(&runs->writer, NULL, write_records, runs) != 0)
        return error_set(err, EIN_E_UNAVAILABLE, "no thread for the records of runs");
    runs->writes = true;
    return 0;
}

void writer_stop(void *self)
{
    struct runs *runs = self;
    bool writes;

    {
        EIN_LOCKED(&runs->lock);
        runs->stopping = true;
        writes = runs->writes;
        runs->writes = false;
        (void)pthread_cond_broadcast(&runs->changed);
    }
    live_stop_all(runs);
    if (writes)
        (void)pthread_join(runs->writer, NULL);
    (void)writer_flush(runs, NULL); /* what has ended since */
}
