/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "http_json.h"
#include "runs.h"

/* ---- one ---- */

/* What is in memory is newer than the store's; its revision is the store's all the same. */
static int read_record(struct runs *runs, const char *id, json_t **ret_record,
                       struct ein_error *err)
{
    struct ein_run *run = live_find(runs, id);
    json_t *record = run ? live_record(run) : NULL;

    live_drop(run);
    if (!record)
        return runs->host->store->get(runs->ctx, RUNS_SET, id, ret_record, err);
    *ret_record = record;
    return 0;
}

int runs_get_record(struct runs *runs, struct ein_req *req, const char *id, json_t **ret_record,
                    struct ein_error *err)
{
    EIN_JSON json_t *record = NULL;
    int r = read_record(runs, id, &record, err);

    if (r == 0)
        r = runs->host->http->may(req, record, err);
    if (r == EIN_E_NOT_FOUND)
        return doc_not_found(RUNS_SET, id, err);
    if (r >= 0)
        *ret_record = EIN_TAKE(record);
    return r < 0 ? r : 0;
}

static int add_code(const struct runs *runs, json_t *shown)
{
    const char *hash = text_of(shown, "codeHash");
    EIN_JSON json_t *code = NULL;

    if (json_object_get(shown, "code"))
        return 0;
    if (hash && runs->host->store->get(runs->ctx, CODE_SET, hash, &code, NULL) == 0)
        return json_object_set(shown, "code", json_object_get(code, "code"));
    return json_object_set_new(shown, "code", json_null());
}

int runs_read_whole(struct runs *runs, const char *id, json_t **ret_record, struct ein_error *err)
{
    EIN_JSON json_t *record = NULL;
    int r = read_record(runs, id, &record, err);

    if (r < 0)
        return r;
    if (add_code(runs, record) < 0)
        return error_no_memory(err);
    *ret_record = EIN_TAKE(record);
    return 0;
}

int runs_get(struct ein_req *req, void *self)
{
    struct runs *runs = self;
    const struct ein_http *http = runs->host->http;
    const char *id = http->path_param(req, "run_id");
    EIN_JSON json_t *record = NULL;
    EIN_JSON json_t *shown = NULL;
    struct ein_error err;
    int r = runs_get_record(runs, req, id, &record, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    shown = record_show(record, id);
    if (!shown || add_code(runs, shown) < 0)
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200, EIN_TAKE(shown));
}

/* ---- many ---- */

static json_t *where_of(const struct ein_http *http, struct ein_req *req)
{
    static const char *const filters[][2] = { { "agent_id", "agentId" },
                                              { "status", "status" },
                                              { "kind", "kind" } };
    json_t *where = http->visible(req);

    for (size_t i = 0; where && i < sizeof(filters) / sizeof(filters[0]); i++) {
        json_t *value = json_object_get(http->query(req), filters[i][0]);
        if (value && json_object_set(where, filters[i][1], value) < 0) {
            json_decref(where);
            return NULL;
        }
    }
    return where;
}

static json_t *show_short(const json_t *record)
{
    static const char *const large[] = { "input", "result", "opsLog", "declared" };
    json_t *shown = record_show(record, text_of(record, "_id"));

    for (size_t i = 0; shown && i < sizeof(large) / sizeof(large[0]); i++)
        (void)json_object_del(shown, large[i]);
    return shown;
}

int runs_list(struct ein_req *req, void *self)
{
    static const char *const newest_first[] = { "-startedMs", NULL };
    struct runs *runs = self;
    EIN_JSON json_t *where = where_of(runs->host->http, req);
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .order = newest_first, .limit = 100
    };

    (void)writer_flush(runs, NULL); /* whoever saw a run end sees it ended in the list */
    return reply_page(runs->host, runs->ctx, req, RUNS_SET, &query, show_short);
}

/* ---- ending and forgetting ---- */

int runs_stop(struct ein_req *req, void *self)
{
    struct runs *runs = self;
    const struct ein_http *http = runs->host->http;
    const char *id = http->path_param(req, "run_id");
    EIN_JSON json_t *record = NULL;
    struct ein_error err;
    int r = runs_get_record(runs, req, id, &record, &err);

    if (r == 0 && record_is_running(record))
        r = runs_service.stop(runs, id, http->identity(req)->uid, &err);
    if (r < 0 && (r != EIN_E_NOT_FOUND || !record)) /* NOT_FOUND of a record: it ended just now */
        return http->fail_error(req, &err);
    return http->reply(
        req, 202,
        json_pack("{s:s, s:s}", "_id", id, "status",
                  r == 0 && record_is_running(record) ? "stopping" : text_of(record, "status")));
}

int runs_delete(struct ein_req *req, void *self)
{
    struct runs *runs = self;
    const struct ein_http *http = runs->host->http;
    const char *id = http->path_param(req, "run_id");
    EIN_JSON json_t *record = NULL;
    struct ein_error err;
    int r = runs_get_record(runs, req, id, &record, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    if (record_is_running(record))
        return http->fail(req, 409, "The run is going on: stop it first.");
    r = writer_flush(runs, &err); /* what is still on its way would come back */
    if (r >= 0)
        r = sweep_delete(runs, id, EIN_REV_ANY, &err);
    return r < 0 && r != EIN_E_NOT_FOUND ? http->fail_error(req, &err)
                                         : http->reply(req, 204, NULL);
}
