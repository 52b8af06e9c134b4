/* SPDX-License-Identifier: Apache-2.0 */
/* GET /runs/{id}/stream: the events of a run from any of them on, then live, then its end. */
#include "cancel_wait.h"
#include "cleanup.h"
#include "clock.h"
#include "http_json.h"
#include "runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 500, /* a run on another server is looked at */
    ID_SIZE = 24
};

struct following {
    struct runs *runs;
    const struct ein_http *http;
    struct ein_req *req;
    const char *id;
    struct ein_run *run; /* NULL: it is not in memory here */
    int64_t next;        /* number of the event that comes next; the first is 1 */
};

static bool is_over(const struct following *f)
{
    return f->runs->host->cancel->fired(f->http->cancel(f->req));
}

/* ---- sending ---- */

static int send_one(struct following *f, const json_t *event)
{
    char id[ID_SIZE];

    (void)snprintf(id, sizeof(id), "%" PRId64, f->next++);
    return f->http->send_event(f->req, id, "trace", json_incref((json_t *)event));
}

/* EVENTS begin with the number FROM. */
static int send_from(struct following *f, const json_t *events, int64_t from)
{
    int r = 0;

    for (size_t i = (size_t)(f->next - from); r >= 0 && i < json_array_size(events); i++)
        r = send_one(f, json_array_get(events, i));
    return r;
}

/* The record as the store has it: without the code, which GET /runs/{id} tells. */
static int send_end(struct following *f, const json_t *record)
{
    json_t *shown = record_show(record, f->id);

    (void)json_object_del(shown, "code");
    return shown ? f->http->send_event(f->req, "end", "done", shown) : EIN_E_NO_MEMORY;
}

/* ---- from the store ---- */

/* The piece with the next event; NULL: there is none. */
static int read_piece(struct following *f, json_t **ret_piece, struct ein_error *err)
{
    static const char *const last_first[] = { "-from", NULL };
    EIN_JSON json_t *where =
        json_pack("{s:s, s:{s:I}}", "runId", f->id, "from", "$lte", (json_int_t)f->next);
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .order = last_first, .limit = 1
    };
    EIN_JSON json_t *found = NULL;
    int r = where ? find_docs(f->runs->host, f->runs->ctx, EVENTS_SET, &query, &found, NULL, err)
                  : EIN_E_NO_MEMORY;

    if (r >= 0)
        *ret_piece = json_incref(json_array_get(found, 0));
    return r;
}

/* As far as the store goes. */
static int send_stored(struct following *f, struct ein_error *err)
{
    for (;;) {
        EIN_JSON json_t *piece = NULL;
        int64_t before = f->next;
        int r = read_piece(f, &piece, err);

        if (r >= 0 && piece)
            r = send_from(f, json_object_get(piece, "events"), integer_of(piece, "from"));
        if (r < 0 || f->next == before)
            return r < 0 ? r : 0;
    }
}

/* ---- from memory ---- */

/* With the lock held: what follows `next` and is not in the store; NULL: nothing. */
static json_t *waiting_events(const struct following *f, int64_t *ret_from)
{
    const struct ein_run *run = f->run;
    const json_t *events = run->tail;

    *ret_from = run->tail_from;
    if (run->moving && f->next < run->tail_from) {
        events = run->moving;
        *ret_from = run->moving_from;
    }
    if (f->next < *ret_from || f->next >= *ret_from + (int64_t)json_array_size(events))
        return NULL;
    return json_copy((json_t *)events);
}

static bool is_behind(const struct following *f)
{
    const struct ein_run *run = f->run;

    return f->next < (run->moving ? run->moving_from : run->tail_from);
}

static void wait_a_little(const struct following *f)
{
    const struct timespec until = clock_deadline(1000);

    (void)pthread_cond_clockwait(&f->run->grown, &f->runs->lock, CLOCK_MONOTONIC, &until);
}

/* 1: the run has ended and everything was sent; 0: go on. */
static int send_live(struct following *f, struct ein_error *err)
{
    EIN_JSON json_t *events = NULL;
    bool behind, ended;
    int64_t from = 0;

    {
        EIN_LOCKED(&f->runs->lock);
        events = waiting_events(f, &from);
        behind = !events && is_behind(f);
        ended = f->run->ended;
        if (!events && !behind && !ended)
            wait_a_little(f);
    }
    if (events)
        return send_from(f, events, from);
    if (behind)
        return send_stored(f, err);
    return ended;
}

/* ---- the whole ---- */

static int follow_live(struct following *f, struct ein_error *err)
{
    EIN_JSON json_t *record = NULL;
    int r = 0;

    while (r == 0 && !is_over(f))
        r = send_live(f, err);
    if (r != 1)
        return r;
    record = live_record(f->run);
    return record ? send_end(f, record) : EIN_E_NO_MEMORY;
}

static int follow_stored(struct following *f, struct ein_error *err)
{
    for (;;) {
        EIN_JSON json_t *record = NULL;
        int r = runs_get_record(f->runs, f->req, f->id, &record, err);

        if (r >= 0)
            r = send_stored(f, err);
        if (r < 0 || is_over(f))
            return r < 0 ? r : EIN_E_CANCELLED;
        if (!record_is_running(record))
            return send_end(f, record);
        if (cancel_wait(f->runs->host, f->http->cancel(f->req), POLL_MS) < 0)
            return EIN_E_CANCELLED;
    }
}

/* Events up to the one that the client names it has. */
static int64_t next_of(const struct ein_http *http, const struct ein_req *req)
{
    const char *last = http->header(req, "Last-Event-ID");
    long long number = last ? strtoll(last, NULL, 10) : 0;

    if (last && strcmp(last, "end") == 0)
        return INT64_MAX / 2;
    return number > 0 && number < INT64_MAX / 2 ? number + 1 : 1;
}

int runs_follow(struct ein_req *req, void *self)
{
    struct runs *runs = self;
    const struct ein_http *http = runs->host->http;
    struct following f = { .runs = runs,
                           .http = http,
                           .req = req,
                           .id = http->path_param(req, "run_id"),
                           .next = next_of(http, req) };
    EIN_JSON json_t *record = NULL;
    struct ein_error err = { 0 };
    int r = runs_get_record(runs, req, f.id, &record, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    f.run = live_find(runs, f.id);
    r = f.run ? follow_live(&f, &err) : follow_stored(&f, &err);
    live_drop(f.run);
    return r;
}
