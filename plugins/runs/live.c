/* SPDX-License-Identifier: Apache-2.0 */
#include "blocked.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "hex.h"
#include "ids.h"
#include "runs.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 32 };

/* ---- one run in memory ---- */

static void run_free(struct ein_run *run)
{
    if (!run)
        return;
    run->runs->host->cancel->drop(run->cancel);
    json_decref(run->record);
    json_decref(run->tail);
    json_decref(run->moving);
    json_decref(run->code);
    (void)pthread_cond_destroy(&run->grown);
    free(run);
}

void live_free_if_done(struct ein_run *run)
{
    if (!run->ended || run->waiting || run->taken || run->followers > 0)
        return;
    map_remove(&run->runs->live, &run->entry);
    run_free(run);
}

void live_touch(struct ein_run *run)
{
    if (!run->waiting) {
        run->waiting = true;
        if (run->runs->waiting++ == 0)
            (void)pthread_cond_signal(&run->runs->changed);
    }
    (void)pthread_cond_broadcast(&run->grown);
}

struct ein_run *live_find(struct runs *runs, const char *id)
{
    EIN_LOCKED(&runs->lock);
    struct ein_run *run = (struct ein_run *)map_find(&runs->live, id, strlen(id));

    if (run)
        run->followers++;
    return run;
}

void live_drop(struct ein_run *run)
{
    if (!run)
        return;
    EIN_LOCKED(&run->runs->lock);
    run->followers--;
    live_free_if_done(run);
}

json_t *live_record(struct ein_run *run)
{
    EIN_LOCKED(&run->runs->lock);
    json_t *record = json_deep_copy(run->record);

    if (record && run->code)
        (void)json_object_set(record, "code", json_object_get(run->code, "code"));
    return record;
}

/* ---- beginning ---- */

static int hash_code(const char *code, char hash[65])
{
    unsigned char digest[HASH_BYTES];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, code, strlen(code), digest) < 0)
        return -1;
    hex_encode(digest, sizeof(digest), hash);
    return 0;
}

static int fill(struct ein_run *run, const struct ein_run_about *about)
{
    const struct runs *runs = run->runs;
    const char *code = about->code ? about->code : "";

    uuid_make(run->id);
    run->entry.key = run->id;
    run->entry.key_len = strlen(run->id);
    run->detached = about->flags & EIN_RUN_DETACHED;
    run->parent = about->parent;
    run->cancel = runs->host->cancel->make(runs->ctx, run->detached ? NULL : about->parent);
    run->tail = json_array();
    run->tail_from = 1;
    run->began_ms = clock_mono_ms();
    if (!run->cancel || !run->tail || hash_code(code, run->code_hash) < 0)
        return -1;
    run->code = json_pack("{s:o, s:I}", "code", record_text(runs, code), "dueAt",
                          (json_int_t)(clock_wall_ms() + 2 * runs->keep_ms));
    if (run->code && strcmp(text_of(run->code, "code"), code) != 0)
        run->kept.redacted = true;
    run->record = record_begin(runs, about, run->code_hash, &run->kept);
    return run->code && run->record ? 0 : -1;
}

static int begin(void *impl, const struct ein_run_about *about, struct ein_run **ret_run,
                 struct ein_error *err)
{
    struct runs *runs = impl;
    struct ein_run *run = calloc(1, sizeof(*run));

    if (!run)
        return error_no_memory(err);
    run->runs = runs;
    (void)pthread_cond_init(&run->grown, NULL);
    if (fill(run, about) < 0) {
        run_free(run);
        return error_no_memory(err);
    }
    EIN_LOCKED(&runs->lock);
    /* With the lock, so that whoever is blocked after it is found among those that are there. */
    int r = blocked_check(runs->host, runs->ctx, about->user_id, err);
    if (r == 0 && runs->stopping)
        r = error_set(err, EIN_E_UNAVAILABLE, "The server is stopping.");
    if (r == 0 && map_add(&runs->live, &run->entry) < 0)
        r = error_no_memory(err);
    if (r < 0) {
        run_free(run);
        return r;
    }
    live_touch(run);
    *ret_run = run;
    return 0;
}

static const char *id_of(const struct ein_run *run)
{
    return run->id;
}

static struct ein_cancel *cancel_of(const struct ein_run *run)
{
    return run->cancel;
}

/* ---- going on ---- */

static int event(struct ein_run *run, const json_t *event, struct ein_error *err)
{
    struct runs *runs = run->runs;
    int64_t size;
    EIN_JSON json_t *kept = record_event(runs, event, &size);

    EIN_LOCKED(&runs->lock);
    if (!kept || json_array_append(run->tail, kept) < 0)
        return error_no_memory(err);
    if (run->events++ == 0) /* it had to wait for its turn until now */
        (void)json_object_set_new(run->record, "waitedMs",
                                  json_integer(clock_mono_ms() - run->began_ms));
    run->kept.bytes += size;
    run->tail_bytes += size;
    record_count(run->record, event);
    (void)json_object_set_new(run->record, "eventCount", json_integer(run->events));
    live_touch(run);
    /* An agent that talks faster than the store writes waits for it. */
    while (run->tail_bytes > (int64_t)runs->tail_max && runs->writes && !runs->stopping)
        (void)pthread_cond_wait(&run->grown, &runs->lock);
    return 0;
}

static void end(struct ein_run *run, const json_t *outcome, const struct ein_error *why)
{
    struct runs *runs = run->runs;

    EIN_LOCKED(&runs->lock);
    (void)record_end(run, outcome, why);
    runs->added_bytes += run->kept.bytes;
    runs->host->cancel->drop(run->cancel); /* before its parent ends */
    run->cancel = run->parent = NULL;
    run->ended = true;
    live_touch(run);
}

/* ---- stopping ---- */

int live_stop(struct runs *runs, const char *id, const char *by)
{
    EIN_LOCKED(&runs->lock);
    struct ein_run *run = (struct ein_run *)map_find(&runs->live, id, strlen(id));

    if (!run || run->ended)
        return EIN_E_NOT_FOUND;
    if (run->end == RUN_GOES_ON) {
        run->end = RUN_STOPPED;
        (void)snprintf(run->stopped_by, sizeof(run->stopped_by), "%s", by);
    }
    runs->host->cancel->fire(run->cancel);
    return 0;
}

static bool is_blocked(const struct ein_run *run)
{
    return blocked_check(run->runs->host, run->runs->ctx, text_of(run->record, "userId"), NULL) ==
           EIN_E_DENIED;
}

static void stop_those(struct runs *runs, bool blocked_only, enum run_end why)
{
    EIN_LOCKED(&runs->lock);

    for (size_t i = 0; i < runs->live.slot_count; i++) {
        for (struct map_entry *entry = runs->live.slots[i]; entry; entry = entry->next) {
            struct ein_run *run = (struct ein_run *)entry;
            if (run->ended || (blocked_only && !is_blocked(run)))
                continue;
            if (run->end == RUN_GOES_ON)
                run->end = why;
            runs->host->cancel->fire(run->cancel);
        }
    }
}

void live_stop_all(struct runs *runs)
{
    stop_those(runs, false, RUN_SERVER_STOPS);
}

void live_stop_blocked(struct runs *runs)
{
    stop_those(runs, true, RUN_BLOCKED);
}

/* Also where it runs on another server, which looks once a second. */
static int stop(void *impl, const char *run_id, const char *user_id, struct ein_error *err)
{
    struct runs *runs = impl;
    const char *by = user_id ? user_id : "Somebody";
    EIN_JSON json_t *record = NULL;
    EIN_JSON json_t *wish =
        json_pack("{s:s, s:I}", "by", by, "dueAt", (json_int_t)(clock_wall_ms() + runs->keep_ms));

    if (live_stop(runs, run_id, by) == 0)
        return 0;
    int r = runs->host->store->get(runs->ctx, RUNS_SET, run_id, &record, err);
    if (r < 0)
        return r;
    if (!record_is_running(record))
        return error_set(err, EIN_E_NOT_FOUND, "The run '%s' has ended.", run_id);
    return runs->host->store->put(runs->ctx, STOPS_SET, run_id, EIN_REV_ANY, wish, NULL, err);
}

static int get(void *impl, const char *run_id, json_t **ret_record, struct ein_error *err)
{
    return runs_read_whole(impl, run_id, ret_record, err);
}

const struct ein_runs runs_service = {
    .struct_size = sizeof(runs_service),
    .begin = begin,
    .id = id_of,
    .cancel = cancel_of,
    .event = event,
    .end = end,
    .stop = stop,
    .get = get,
};
