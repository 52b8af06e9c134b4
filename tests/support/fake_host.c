/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"
#include "json_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unlinks from the list at `head` every element whose `condition` (on `it`) holds. */
#define REMOVE_IF(type, head, condition)                                                           \
    for (struct type **link_ = &(head), *it; (it = *link_);) {                                     \
        if (condition) {                                                                           \
            *link_ = it->next;                                                                     \
            free(it);                                                                              \
        } else {                                                                                   \
            link_ = &it->next;                                                                     \
        }                                                                                          \
    }

/* ---- text and errors ---- */

int fake_set_error(struct ein_error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    err->code = code;
    return code;
}

static char *text_dup(const char *text)
{
    return strdup(text);
}

static void mem_free(void *memory)
{
    free(memory);
}

/* Anything after "sk-" or "Bearer " is a secret here. */
static char *redact(const char *text)
{
    static const char *const marks[] = { "sk-", "Bearer " };
    char *clean = strdup(text);

    for (size_t i = 0; clean && i < sizeof(marks) / sizeof(marks[0]); i++) {
        char *secret = strstr(clean, marks[i]);
        if (!secret)
            continue;
        char *shorter = NULL;
        size_t len = strcspn(secret + strlen(marks[i]), " \"\n") + strlen(marks[i]);
        if (asprintf(&shorter, "%.*s[REDACTED:key]%s", (int)(secret - clean), clean, secret + len) <
            0)
            return clean;
        free(clean);
        clean = shorter;
    }
    return clean;
}

static const char *secret(struct ein_ctx *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void log_msg(struct ein_ctx *ctx, int level, const char *fmt, ...)
{
    struct fake_host *host = ctx->host;
    char line[1024], *longer = NULL;

    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    pthread_mutex_lock(&host->lock);
    if (asprintf(&longer, "%s%d %s\n", host->log ? host->log : "", level, line) >= 0) {
        free(host->log);
        host->log = longer;
    }
    pthread_mutex_unlock(&host->lock);
}

static void unready(struct ein_ctx *ctx, const char *reason)
{
    struct fake_host *host = ctx->host;

    pthread_mutex_lock(&host->lock);
    free(host->unready);
    host->unready = reason ? strdup(reason) : NULL;
    pthread_mutex_unlock(&host->lock);
}

/* ---- services ---- */

static struct fake_service *find_service(struct fake_host *host, const char *iface,
                                         const char *name)
{
    struct fake_service *first = NULL;

    for (struct fake_service *it = host->services; it; it = it->next)
        if (strcmp(it->service.iface, iface) == 0 && (!name || strcmp(it->service.name, name) == 0))
            first = it;
    return first;
}

static int publish(struct ein_ctx *ctx, const char *iface, const char *name, const void *vtable,
                   void *impl, struct ein_error *err)
{
    struct fake_host *host = ctx->host;
    int r = 0;

    name = name ? name : ctx->name ? ctx->name : "instance";
    pthread_mutex_lock(&host->lock);
    struct fake_service *made = calloc(1, sizeof(*made));
    if (find_service(host, iface, name)) {
        free(made);
        r = fake_set_error(err, EIN_E_CONFLICT, "%s '%s' is already published", iface, name);
    } else if (made) {
        made->service = (struct ein_service){ iface, name, vtable, impl };
        made->owner = ctx;
        made->next = host->services;
        host->services = made;
    }
    pthread_mutex_unlock(&host->lock);
    return r;
}

static int acquire(struct ein_ctx *ctx, const char *iface, const char *name,
                   const struct ein_service **ret_service)
{
    struct fake_host *host = ctx->host;

    pthread_mutex_lock(&host->lock);
    const struct fake_service *found = find_service(host, iface, name);
    pthread_mutex_unlock(&host->lock);
    if (!found)
        return EIN_E_NOT_FOUND;
    *ret_service = &found->service;
    return 0;
}

static void release(struct ein_ctx *ctx, const struct ein_service *service)
{
    (void)ctx;
    (void)service;
}

static int each_service(struct ein_ctx *ctx, const char *iface,
                        int (*visit)(const struct ein_service *service, void *data), void *data)
{
    int r = 0;

    for (struct fake_service *it = ctx->host->services; it && !r; it = it->next)
        if (strcmp(it->service.iface, iface) == 0)
            r = visit(&it->service, data);
    return r;
}

const struct ein_service *fake_host_service(struct fake_host *host, const char *iface)
{
    const struct ein_service *service = NULL;

    if (acquire(fake_host_ctx(host), iface, NULL, &service) < 0) {
        fprintf(stderr, "the test needs a service %s that nobody published\n", iface);
        abort();
    }
    return service;
}

/* ---- events, metrics ---- */

static int subscribe(struct ein_ctx *ctx, const char *topic,
                     void (*on_event)(const char *topic, const struct json_t *event, void *data),
                     void *data)
{
    struct fake_topic *made = calloc(1, sizeof(*made));

    if (!made)
        return EIN_E_NO_MEMORY;
    pthread_mutex_lock(&ctx->host->lock);
    *made = (struct fake_topic){ ctx->host->topics, ctx, topic, on_event, data };
    ctx->host->topics = made;
    pthread_mutex_unlock(&ctx->host->lock);
    return 0;
}

static void emit(struct ein_ctx *ctx, const char *topic, json_t *take_event)
{
    for (struct fake_topic *it = ctx->host->topics; it; it = it->next)
        if (strcmp(it->topic, topic) == 0)
            it->on_event(topic, take_event, it->data);
    json_decref(take_event);
}

static void record(struct fake_host *host, json_t *metrics, const char *metric, double value,
                   bool add)
{
    pthread_mutex_lock(&host->lock);
    double old = add ? json_real_value(json_object_get(metrics, metric)) : 0;
    json_object_set_new(metrics, metric, json_real(old + value));
    pthread_mutex_unlock(&host->lock);
}

static void count(struct ein_ctx *ctx, const char *metric, double by, const char *const *labels)
{
    (void)labels;
    record(ctx->host, ctx->host->counted, metric, by, true);
}

static void observe(struct ein_ctx *ctx, const char *metric, double value,
                    const char *const *labels)
{
    (void)value;
    (void)labels;
    record(ctx->host, ctx->host->observed, metric, 1, true);
}

static void gauge(struct ein_ctx *ctx, const char *metric, double value, const char *const *labels)
{
    (void)labels;
    record(ctx->host, ctx->host->gauged, metric, value, false);
}

/* ---- jobs ---- */

static void *run_job(void *data)
{
    struct fake_job *job = data;

    job->run(job->data);
    if (job->drop)
        job->drop(job->data);
    return NULL;
}

static int submit(struct ein_ctx *ctx, void (*run)(void *data), void (*drop)(void *data),
                  void *data)
{
    struct fake_job *job = calloc(1, sizeof(*job));

    if (!job)
        return EIN_E_NO_MEMORY;
    *job = (struct fake_job){ .run = run, .drop = drop, .data = data };
    pthread_mutex_lock(&ctx->host->lock);
    int failed = pthread_create(&job->thread, NULL, run_job, job);
    if (failed) {
        free(job);
    } else {
        job->next = ctx->host->jobs;
        ctx->host->jobs = job;
    }
    pthread_mutex_unlock(&ctx->host->lock);
    return failed ? EIN_E_BUSY : 0;
}

void fake_host_join(struct fake_host *host)
{
    for (;;) {
        pthread_mutex_lock(&host->lock);
        struct fake_job *job = host->jobs;
        if (job)
            host->jobs = job->next;
        pthread_mutex_unlock(&host->lock);
        if (!job)
            return;
        pthread_join(job->thread, NULL);
        free(job);
    }
}

static int every(struct ein_ctx *ctx, uint32_t period_ms, void (*run)(void *data), void *data)
{
    struct fake_timer *timer = calloc(1, sizeof(*timer));

    (void)period_ms;
    if (!timer)
        return EIN_E_NO_MEMORY;
    pthread_mutex_lock(&ctx->host->lock);
    *timer = (struct fake_timer){ ctx->host->timers, ctx, run, data };
    ctx->host->timers = timer;
    pthread_mutex_unlock(&ctx->host->lock);
    return 0;
}

void fake_host_tick(struct fake_host *host)
{
    for (struct fake_timer *it = host->timers; it; it = it->next)
        it->run(it->data);
}

/* ---- the host ---- */

static const struct ein_host host_table = {
    .struct_size = sizeof(host_table),
    .abi_major = EIN_ABI_MAJOR,
    .abi_minor = EIN_ABI_MINOR,
    .version = "0.1.0",
    .cancel = &fake_cancels,
    .store = &fake_store,
    .log_msg = log_msg,
    .set_error = fake_set_error,
    .text_dup = text_dup,
    .mem_free = mem_free,
    .redact = redact,
    .secret = secret,
    .unready = unready,
    .publish = publish,
    .acquire = acquire,
    .release = release,
    .each_service = each_service,
    .subscribe = subscribe,
    .emit = emit,
    .count = count,
    .observe = observe,
    .gauge = gauge,
    .submit = submit,
    .every = every,
    .json_text = json_text_dump,
};

struct with_ctx {
    struct fake_host host; /* first */
    struct ein_ctx ctx;
};

struct fake_host *fake_host_new(void)
{
    struct with_ctx *made = calloc(1, sizeof(*made));

    if (!made)
        abort();
    made->ctx.host = &made->host;
    made->host.table = host_table;
    made->host.counted = json_object();
    made->host.gauged = json_object();
    made->host.observed = json_object();
    pthread_mutex_init(&made->host.lock, NULL);
    return &made->host;
}

struct ein_ctx *fake_host_ctx(struct fake_host *host)
{
    return &((struct with_ctx *)host)->ctx;
}

void fake_host_forget(struct fake_host *host, const struct ein_ctx *ctx)
{
    pthread_mutex_lock(&host->lock);
    REMOVE_IF(fake_service, host->services, it->owner == ctx)
    REMOVE_IF(fake_topic, host->topics, it->owner == ctx)
    REMOVE_IF(fake_timer, host->timers, it->owner == ctx)
    pthread_mutex_unlock(&host->lock);
}

void fake_host_free(struct fake_host *host)
{
    if (!host)
        return;
    fake_host_join(host);
    fake_host_forget(host, fake_host_ctx(host));
    json_decref(host->counted);
    json_decref(host->gauged);
    json_decref(host->observed);
    free(host->log);
    free(host->unready);
    pthread_mutex_destroy(&host->lock);
    free(host);
}

bool fake_host_logged(struct fake_host *host, const char *part)
{
    pthread_mutex_lock(&host->lock);
    bool found = host->log && strstr(host->log, part);
    pthread_mutex_unlock(&host->lock);
    return found;
}

double fake_host_counted(struct fake_host *host, const char *metric)
{
    pthread_mutex_lock(&host->lock);
    double sum = json_real_value(json_object_get(host->counted, metric));
    pthread_mutex_unlock(&host->lock);
    return sum;
}

const char *fake_host_unready(struct fake_host *host)
{
    return host->unready ? host->unready : "";
}

int fake_host_no_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                        size_t stride, void *self, struct ein_error *err)
{
    (void)ctx;
    (void)routes;
    (void)count;
    (void)stride;
    (void)self;
    (void)err;
    return 0;
}
