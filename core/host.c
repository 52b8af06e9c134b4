/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"
#include "cancel.h"
#include "client.h"
#include "error.h"
#include "events.h"
#include "jobs.h"
#include "json_text.h"
#include "lifecycle.h"
#include "loader.h"
#include "log.h"
#include "metrics.h"
#include "owner.h"
#include "redact.h"
#include "request.h"
#include "services.h"
#include "store.h"
#include "stream.h"
#include "tracing.h"
#include <string.h>

static const struct host_rooms *rooms(const struct ein_ctx *ctx)
{
    return ctx->above;
}

/* ---- http ---- */

static int add_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                      size_t stride, void *self, struct ein_error *err)
{
    const struct route_owner owner = { ctx->name, &ctx->gate, &ctx->stopping };
    int r = instance_check_init(ctx, "add_routes", err);

    if (r < 0)
        return r;
    return router_add(rooms(ctx)->router, &owner, routes, count, stride, self, err);
}

static const struct ein_http http = {
    .struct_size = sizeof(http),
    .add_routes = add_routes,
    .method = request_method,
    .path = request_path,
    .path_param = request_path_param,
    .header = request_header,
    .cookie = request_cookie,
    .query = request_query,
    .body = request_body,
    .raw_body = request_raw_body,
    .identity = request_identity,
    .client_addr = request_client_addr,
    .request_id = request_id,
    .trace_id = request_trace_id,
    .alloc = request_alloc,
    .left_ms = request_left_ms,
    .cancel = request_cancel,
    .log_msg = request_log,
    .reply = reply_json,
    .reply_bytes = reply_bytes,
    .redirect = reply_redirect,
    .fail = reply_fail,
    .fail_json = reply_fail_json,
    .fail_error = reply_fail_error,
    .set_header = reply_set_header,
    .set_cookie = reply_set_cookie,
    .send_event = stream_send_event,
    .send_bytes = stream_send_bytes,
    .origin = request_origin,
    .may = owner_may,
    .visible = owner_visible,
    .navigates = request_navigates,
    .reply_header = reply_header,
    .beat_early = stream_beat_early,
};

/* ---- cancelling ---- */

static struct ein_cancel *cancel_make(struct ein_ctx *ctx, struct ein_cancel *parent)
{
    (void)ctx;
    return cancel_new(parent);
}

static int cancel_asked(const struct ein_cancel *cancel)
{
    return cancel && cancel_fired(cancel);
}

static void cancel_tell(struct ein_cancel *cancel)
{
    if (cancel)
        cancel_fire(cancel);
}

static int cancel_wait(struct ein_cancel *cancel)
{
    return cancel ? cancel_fd(cancel) : EIN_E_INVALID;
}

static const struct ein_cancels cancels = {
    .struct_size = sizeof(cancels),
    .make = cancel_make,
    .fire = cancel_tell,
    .fired = cancel_asked,
    .wait_fd = cancel_wait,
    .drop = cancel_free,
};

/* ---- outgoing HTTP ---- */

static int fetch(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    struct ein_fetch own = { 0 };

    if (!what)
        return error_set(err, EIN_E_INVALID, "fetch(): what is NULL");
    memcpy(&own, what, what->struct_size < sizeof(own) ? what->struct_size : sizeof(own));
    own.cancel = own.cancel ? own.cancel : &ctx->stopping;
    return client_fetch(rooms(ctx)->client, &own, ret, err);
}

static const struct ein_client client = { .struct_size = sizeof(client), .fetch = fetch };

/* ---- documents ---- */

static int get(struct ein_ctx *ctx, const char *set, const char *id, struct json_t **ret_doc,
               struct ein_error *err)
{
    return store_get(rooms(ctx)->store, set, id, ret_doc, err);
}

static int put(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
               const struct json_t *doc, char *ret_rev, struct ein_error *err)
{
    return store_put(rooms(ctx)->store, set, id, expect, doc, ret_rev, err);
}

static int del(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
               struct ein_error *err)
{
    return store_del(rooms(ctx)->store, set, id, expect, err);
}

static int batch(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    return store_batch(rooms(ctx)->store, ops, count, stride, err);
}

static int find(struct ein_ctx *ctx, const char *set, const struct ein_query *query,
                ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err)
{
    return store_find(rooms(ctx)->store, set, query, each, data, ret_cursor, err);
}

static int tally(struct ein_ctx *ctx, const char *set, const struct json_t *where,
                 uint64_t *ret_count, struct ein_error *err)
{
    return store_tally(rooms(ctx)->store, set, where, ret_count, err);
}

static int index_field(struct ein_ctx *ctx, const char *set, const char *field,
                       struct ein_error *err)
{
    return store_index(rooms(ctx)->store, set, field, err);
}

static int claim(struct ein_ctx *ctx, const char *set, const char *due_field, int64_t now,
                 int64_t lease, struct json_t **ret_doc, struct ein_error *err)
{
    return store_claim(rooms(ctx)->store, set, due_field, now, lease, ret_doc, err);
}

static int sets(struct ein_ctx *ctx, struct json_t **ret_names, struct ein_error *err)
{
    return store_sets(rooms(ctx)->store, ret_names, err);
}

static int weigh(struct ein_ctx *ctx, const char *set, const struct json_t *where,
                 uint64_t *ret_bytes, struct ein_error *err)
{
    return store_weigh(rooms(ctx)->store, set, where, ret_bytes, err);
}

static const struct ein_store store = {
    .struct_size = sizeof(store),
    .get = get,
    .put = put,
    .del = del,
    .batch = batch,
    .find = find,
    .tally = tally,
    .index = index_field,
    .claim = claim,
    .sets = sets,
    .weigh = weigh,
};

/* ---- tracing ---- */

static struct ein_span *span_begin(struct ein_ctx *ctx, int kind, const char *name)
{
    return tracing_begin(rooms(ctx)->tracing, kind, name);
}

static const struct ein_tracing tracing = {
    .struct_size = sizeof(tracing),
    .begin = span_begin,
    .end = tracing_end,
    .where = tracing_where,
    .enter = tracing_enter,
    .watch = instance_watch,
};

/* ---- the host itself ---- */

static void log_msg(struct ein_ctx *ctx, int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vwrite(rooms(ctx)->log, level, ctx->name, NULL, fmt, args);
    va_end(args);
}

static char *text_dup(const char *text)
{
    return text ? strdup(text) : NULL;
}

static char *redact_text(const char *text)
{
    return text ? redact(text, strlen(text), NULL) : NULL;
}

static int acquire(struct ein_ctx *ctx, const char *iface, const char *name,
                   const struct ein_service **ret_service)
{
    return services_acquire(rooms(ctx)->services, iface, name, ret_service);
}

static void release(struct ein_ctx *ctx, const struct ein_service *service)
{
    if (!services_release(service))
        log_write(rooms(ctx)->log, EIN_ERROR, ctx->name, NULL,
                  "release(): %s '%s' is released more often than acquired", service->iface,
                  service->name);
}

static int each_service(struct ein_ctx *ctx, const char *iface,
                        int (*visit)(const struct ein_service *service, void *data), void *data)
{
    return services_each(rooms(ctx)->services, iface, visit, data);
}

static void emit(struct ein_ctx *ctx, const char *topic, struct json_t *take_event)
{
    events_emit(rooms(ctx)->events, topic, take_event);
}

/* The help text of its metrics: whose they are. */
static const char *help_of(const struct ein_ctx *ctx)
{
    return ctx->plugin->about.summary;
}

static void count(struct ein_ctx *ctx, const char *metric, double by, const char *const *labels)
{
    metric_add(metrics_counter(rooms(ctx)->metrics, metric, help_of(ctx), labels), by);
}

static void observe(struct ein_ctx *ctx, const char *metric, double value,
                    const char *const *labels)
{
    metric_observe(metrics_histogram(rooms(ctx)->metrics, metric, help_of(ctx), labels), value);
}

static void gauge(struct ein_ctx *ctx, const char *metric, double value, const char *const *labels)
{
    metric_set(metrics_gauge(rooms(ctx)->metrics, metric, help_of(ctx), labels), value);
}

static int submit(struct ein_ctx *ctx, void (*run)(void *data), void (*drop)(void *data),
                  void *data)
{
    return jobs_submit(rooms(ctx)->jobs, &ctx->jobs, run, drop, data);
}

static int every(struct ein_ctx *ctx, uint32_t period_ms, void (*run)(void *data), void *data)
{
    return jobs_every(rooms(ctx)->jobs, &ctx->jobs, period_ms, run, data);
}

const struct ein_host host_table = {
    .struct_size = sizeof(host_table),
    .abi_major = EIN_ABI_MAJOR,
    .abi_minor = EIN_ABI_MINOR,
    .version = EIN_VERSION,
    .http = &http,
    .cancel = &cancels,
    .client = &client,
    .store = &store,
    .log_msg = log_msg,
    .set_error = error_set,
    .text_dup = text_dup,
    .mem_free = free,
    .redact = redact_text,
    .secret = instance_secret,
    .unready = instance_unready,
    .publish = instance_publish,
    .acquire = acquire,
    .release = release,
    .each_service = each_service,
    .subscribe = instance_subscribe,
    .emit = emit,
    .count = count,
    .observe = observe,
    .gauge = gauge,
    .submit = submit,
    .every = every,
    .json_text = json_text_dump,
    .tracing = &tracing,
};
