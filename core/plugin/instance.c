/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "contract.h"
#include "error.h"
#include "events.h"
#include "loader.h"
#include "overdue.h"
#include "services.h"
#include "status.h"
#include "str.h"
#include "tracing.h"
#include <string.h>

int instance_new(const struct lifecycle_setup *setup, const char *name, struct ein_ctx **ret_ctx)
{
    struct ein_ctx *ctx = calloc(1, sizeof(*ctx));

    if (!ctx)
        return EIN_E_NO_MEMORY;
    (void)snprintf(ctx->name, sizeof(ctx->name), "%s", name);
    ctx->setup = setup;
    ctx->above = setup->above;
    gate_init(&ctx->gate);
    ctx->gate.owner = ctx->name;
    jobs_owner_init(&ctx->jobs);
    (void)pthread_mutex_init(&ctx->lock, NULL);
    *ret_ctx = ctx;
    return 0;
}

void instance_free(struct ein_ctx *ctx)
{
    if (!ctx)
        return;
    json_decref(ctx->settings);
    plugin_close(ctx->plugin);
    (void)pthread_mutex_destroy(&ctx->lock);
    free(ctx);
}

/* Its lock is held. */
static void set_reason(struct ein_ctx *ctx, const char *reason)
{
    str_copy(ctx->reason, sizeof(ctx->reason), reason ? reason : "");
    str_clean(ctx->reason);
}

void instance_set_state(struct ein_ctx *ctx, enum instance_state state, const char *reason)
{
    EIN_LOCKED(&ctx->lock);

    ctx->state = state;
    set_reason(ctx, reason);
}

/* ---- coming ---- */

static void free_text(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* What the instance had given out or been given; nobody is inside, and fini() has been called. */
static void forget(struct ein_ctx *ctx)
{
    services_forget(ctx->setup->services, &ctx->gate);
    cancel_done(&ctx->stopping);
    for (size_t i = 0; i < INSTANCE_OFFERS_MAX; i++) {
        free(ctx->offers[i]);
        ctx->offers[i] = NULL;
    }
    for (size_t i = 0; i < INSTANCE_SECRETS_MAX; i++) {
        free_text(&ctx->secrets[i].name);
        free_text(&ctx->secrets[i].value);
    }
    ctx->self = NULL;
}

/* Nobody finds the instance any more. */
static void withdraw(struct ein_ctx *ctx)
{
    const struct lifecycle_setup *setup = ctx->setup;

    gate_shut(&ctx->gate);
    services_withdraw(setup->services, &ctx->gate);
    events_withdraw(setup->events, &ctx->gate);
    jobs_withdraw(setup->jobs, &ctx->jobs);
    if (setup->tracing)
        tracing_withdraw(setup->tracing, &ctx->gate);
    cancel_fire(&ctx->stopping);
}

/* Undoes what was done until `phase` failed. */
static int failed(struct ein_ctx *ctx, const char *phase, int code, struct ein_error *why,
                  struct ein_error *err)
{
    const char *text = why->text;
    struct ein_error held = { 0 };

    if (!why->text[0] && ctx->refused.code == code)
        *why = ctx->refused;
    (void)error_due(why, code);

    if (instance_leave(ctx, ctx->setup->drain_ms, &held) == 0)
        instance_set_state(ctx, INSTANCE_FAILED, text);
    return error_set(err, code, "%s: %s: %s%s%s", ctx->name, phase, text, held.text[0] ? "; " : "",
                     held.text);
}

int instance_init(struct ein_ctx *ctx, struct ein_error *err)
{
    struct ein_error why = { 0 };
    struct overdue overdue;
    int r;

    instance_set_state(ctx, INSTANCE_STARTING, NULL);
    gate_init(&ctx->gate);
    jobs_owner_init(&ctx->jobs);
    cancel_init(&ctx->stopping, NULL);
    error_clear(&ctx->refused);
    ctx->entered = ctx->in_init = true;
    overdue_begin(&overdue, ctx, "init");
    r = ctx->plugin->about.init(ctx->setup->host, ctx, ctx->settings, &ctx->self, &why);
    overdue_end(&overdue);
    ctx->in_init = false;
    ctx->made = r >= 0;
    return ctx->made ? 0 : failed(ctx, "init", r, &why, err);
}

int instance_start(struct ein_ctx *ctx, uint64_t started_as, struct ein_error *err)
{
    int (*start)(void *self, struct ein_error *err) = ctx->plugin->about.start;
    struct ein_error why = { 0 };
    struct overdue overdue;

    overdue_begin(&overdue, ctx, "start");
    int r = start ? start(ctx->self, &why) : 0;
    overdue_end(&overdue);
    if (r < 0)
        return failed(ctx, "start", r, &why, err);
    ctx->started = true;
    ctx->started_as = started_as;
    gate_open(&ctx->gate);

    EIN_LOCKED(&ctx->lock);
    /* It may have said during start() that it is not well. */
    ctx->state = ctx->reason[0] ? INSTANCE_UNREADY : INSTANCE_READY;
    return 0;
}

/* ---- going ---- */

/* Who keeps a withdrawn instance from leaving. */
static void say_held(struct ein_ctx *ctx, char *out, size_t size)
{
    char routes[INSTANCE_REASON_MAX / 3] = "", services[INSTANCE_REASON_MAX / 3] = "";
    uint32_t jobs = jobs_running(ctx->setup->jobs, &ctx->jobs);
    char running[32] = "";

    ctx->setup->ops->held_routes(ctx, routes, sizeof(routes));
    services_held(ctx->setup->services, &ctx->gate, services, sizeof(services));
    if (jobs > 0)
        (void)snprintf(running, sizeof(running), "%s%u jobs", *routes || *services ? ", " : "",
                       jobs);
    (void)snprintf(out, size, "%s%s%s%s", routes, *routes && *services ? ", " : "", services,
                   running);
    if (!*out)
        (void)snprintf(out, size, "%llu calls", (unsigned long long)gate_inside(&ctx->gate));
}

static bool drain(struct ein_ctx *ctx, uint32_t drain_ms)
{
    int64_t until_ms = clock_mono_ms() + drain_ms, left_ms;

    if (!gate_drain(&ctx->gate, drain_ms))
        return false;
    left_ms = until_ms - clock_mono_ms();
    return jobs_drain(ctx->setup->jobs, &ctx->jobs, left_ms > 0 ? (uint32_t)left_ms : 0);
}

int instance_leave(struct ein_ctx *ctx, uint32_t drain_ms, struct ein_error *err)
{
    char held[INSTANCE_REASON_MAX];
    struct overdue overdue;

    if (!ctx->entered)
        return 0;
    instance_set_state(ctx, INSTANCE_WITHDRAWN, NULL);
    withdraw(ctx);
    overdue_begin(&overdue, ctx, "stop");
    if (ctx->started && ctx->plugin->about.stop)
        ctx->plugin->about.stop(ctx->self);
    overdue_end(&overdue);
    ctx->started = false;
    if (!drain(ctx, drain_ms)) {
        say_held(ctx, held, sizeof(held));
        instance_set_state(ctx, INSTANCE_WITHDRAWN, held);
        return error_set(err, EIN_E_TIMEOUT, "%s: still in use after %u ms, held by %s", ctx->name,
                         drain_ms, held);
    }
    /* fini() frees what the routes point to. */
    ctx->setup->ops->forget_routes(ctx);
    overdue_begin(&overdue, ctx, "fini");
    if (ctx->made)
        ctx->plugin->about.fini(ctx->self);
    overdue_end(&overdue);
    ctx->made = ctx->entered = false;
    forget(ctx);
    instance_set_state(ctx, INSTANCE_DISABLED, NULL);
    return 0;
}

/* ---- what host.c offers ---- */

int instance_check_init(const struct ein_ctx *ctx, const char *function, struct ein_error *err)
{
    if (ctx->in_init)
        return 0;
    return error_set(err, EIN_E_INVALID, "%s() is for init() only", function);
}

int instance_publish(struct ein_ctx *ctx, const char *iface, const char *name, const void *vtable,
                     void *impl, struct ein_error *err)
{
    int r = instance_check_init(ctx, "publish", err);
    size_t count = 0;
    char *offer;

    if (r < 0)
        return r;
    while (ctx->offers[count])
        count++;
    if (count == INSTANCE_OFFERS_MAX)
        return error_set(err, EIN_E_BUSY, "more than %d services", INSTANCE_OFFERS_MAX);
    name = name ? name : ctx->name;
    r = contract_check(iface, name, vtable, err);
    if (r >= 0)
        r = services_publish(ctx->setup->services, &ctx->gate, iface, name, vtable, impl, err);
    if (r < 0)
        return r;
    offer = strdup(iface);
    if (!offer)
        return error_no_memory(err);
    ctx->offers[count] = offer;
    return 0;
}

/* What the caller cannot be told is said if init() fails with it. */
static int note_refusal(struct ein_ctx *ctx, int r, const char *wrong)
{
    if (r < 0)
        (void)error_set(&ctx->refused, r, "%s", r == EIN_E_INVALID ? wrong : error_text(r));
    return r;
}

int instance_subscribe(struct ein_ctx *ctx, const char *topic,
                       void (*on_event)(const char *topic, const json_t *event, void *data),
                       void *data)
{
    int r = instance_check_init(ctx, "subscribe", NULL);

    if (r < 0)
        return r;
    r = events_subscribe(ctx->setup->events, &ctx->gate, topic, on_event, data);
    return note_refusal(ctx, r, "subscribe(): there is no on_event(), or no name of a topic");
}

int instance_watch(struct ein_ctx *ctx, double share,
                   void (*on_span)(const struct ein_span_told *span, void *data), void *data)
{
    int r = instance_check_init(ctx, "watch", NULL);

    if (r < 0)
        return r;
    r = tracing_watch(ctx->setup->tracing, &ctx->gate, share, on_span, data);
    return note_refusal(ctx, r, "watch(): there is no on_span()");
}

const char *instance_secret(struct ein_ctx *ctx, const char *name)
{
    size_t at = 0;
    char *value;
    EIN_LOCKED(&ctx->lock);

    while (name && at < INSTANCE_SECRETS_MAX && ctx->secrets[at].name) {
        if (str_eq(ctx->secrets[at].name, name))
            return ctx->secrets[at].value;
        at++;
    }
    if (!name || at == INSTANCE_SECRETS_MAX)
        return NULL;
    value = config_secret(name);
    if (!value)
        return NULL;
    ctx->secrets[at].name = strdup(name);
    if (!ctx->secrets[at].name) {
        free_text(&value);
        return NULL;
    }
    return ctx->secrets[at].value = value;
}

void instance_unready(struct ein_ctx *ctx, const char *reason)
{
    EIN_LOCKED(&ctx->lock);

    if (ctx->state != INSTANCE_STARTING && ctx->state != INSTANCE_READY &&
        ctx->state != INSTANCE_UNREADY)
        return;
    set_reason(ctx, reason);
    if (ctx->state != INSTANCE_STARTING)
        ctx->state = reason && *reason ? INSTANCE_UNREADY : INSTANCE_READY;
}
