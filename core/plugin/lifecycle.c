/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "instance.h"
#include "loader.h"
#include "log.h"
#include "order.h"
#include "plan.h"
#include "services.h"
#include "str.h"
#include <einion/services.h>
#include <string.h>

struct lifecycle {
    struct lifecycle_setup setup;
    uint64_t starts;

    pthread_mutex_t lock; /* held to change what follows, and to read it off the main thread */
    struct ein_ctx **instances; /* as configured */
    size_t count;
};

int lifecycle_new(const struct lifecycle_setup *setup, struct lifecycle **ret_lifecycle)
{
    struct lifecycle *lifecycle = calloc(1, sizeof(*lifecycle));

    if (!lifecycle)
        return EIN_E_NO_MEMORY;
    lifecycle->setup = *setup;
    (void)pthread_mutex_init(&lifecycle->lock, NULL);
    *ret_lifecycle = lifecycle;
    return 0;
}

void lifecycle_free(struct lifecycle *lifecycle)
{
    if (!lifecycle)
        return;
    /* An instance that did not drain is still in use: it is left to the end of the process. */
    for (size_t i = 0; i < lifecycle->count; i++) {
        if (!lifecycle->instances[i]->entered)
            instance_free(lifecycle->instances[i]);
    }
    free(lifecycle->instances);
    (void)pthread_mutex_destroy(&lifecycle->lock);
    free(lifecycle);
}

void lifecycle_set_drain_ms(struct lifecycle *lifecycle, uint32_t drain_ms)
{
    lifecycle->setup.drain_ms = drain_ms;
}

static void say(struct lifecycle *lifecycle, const char *source, const char *text)
{
    log_write(lifecycle->setup.log, EIN_ERROR, source, NULL, "%s", text);
}

/* ---- bringing instances up ---- */

/* Instances on their way up, in the order of the configuration. */
struct climbers {
    struct ein_ctx **list;
    size_t count;
};

static void climbers_remove(struct climbers *climbers, size_t at)
{
    memmove(&climbers->list[at], &climbers->list[at + 1],
            (climbers->count - at - 1) * sizeof(*climbers->list));
    climbers->count--;
}

static void take_down_until(struct lifecycle *lifecycle, struct ein_ctx *ctx, int64_t until_ms)
{
    struct ein_error err = { 0 };
    int64_t left_ms = until_ms - clock_mono_ms();

    if (left_ms > lifecycle->setup.drain_ms)
        left_ms = lifecycle->setup.drain_ms;
    if (instance_leave(ctx, left_ms > 0 ? (uint32_t)left_ms : 0, &err) < 0)
        say(lifecycle, ctx->name, err.text);
}

static void take_down(struct lifecycle *lifecycle, struct ein_ctx *ctx)
{
    take_down_until(lifecycle, ctx, INT64_MAX);
}

/* It was initialised, but what it needs is not there. */
static void give_up(struct lifecycle *lifecycle, struct ein_ctx *ctx, const char *why)
{
    take_down(lifecycle, ctx);
    if (!ctx->entered)
        instance_set_state(ctx, INSTANCE_FAILED, why);
    say(lifecycle, ctx->name, why);
}

static int init_all(struct lifecycle *lifecycle, struct climbers *climbers, bool strict,
                    struct ein_error *err)
{
    size_t i = 0;

    while (i < climbers->count) {
        int r = instance_init(climbers->list[i], err);

        if (r < 0 && strict)
            return r;
        if (r < 0) {
            say(lifecycle, climbers->list[i]->name, err->text);
            climbers_remove(climbers, i);
        } else {
            i++;
        }
    }
    return 0;
}

/* Interfaces of the instances that run already, and of the server itself; NULL-ended, lent. */
static const char **interfaces_present(const struct lifecycle *lifecycle)
{
    const char **present = calloc(lifecycle->count * INSTANCE_OFFERS_MAX + 2, sizeof(*present));
    size_t at = 0;

    if (!present)
        return NULL;
    present[at++] = EIN_SERVER;
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct ein_ctx *ctx = lifecycle->instances[i];

        for (size_t k = 0; ctx->started && ctx->offers[k]; k++)
            present[at++] = ctx->offers[k];
    }
    return present;
}

static int order_once(const struct lifecycle *lifecycle, const struct climbers *climbers,
                      size_t *order, size_t *ret_at, struct ein_error *err)
{
    EIN_FREE struct order_item *items = calloc(climbers->count + 1, sizeof(*items));
    EIN_FREE const char **present = interfaces_present(lifecycle);

    if (!items || !present)
        return error_no_memory(err);
    for (size_t i = 0; i < climbers->count; i++)
        items[i] = (struct order_item){ .name = climbers->list[i]->name,
                                        .needs = climbers->list[i]->plugin->about.needs,
                                        .offers = (const char *const *)climbers->list[i]->offers };
    return order_resolve(items, climbers->count, present, order, ret_at, err);
}

/* Puts the climbers in the order in which they start; where not all can, and that is no reason to
 * stop, those that cannot are given up. */
static int order_all(struct lifecycle *lifecycle, struct climbers *climbers, bool strict,
                     struct ein_error *err)
{
    EIN_FREE struct ein_ctx **sorted = calloc(climbers->count + 1, sizeof(*sorted));
    EIN_FREE size_t *order = calloc(climbers->count + 1, sizeof(*order));
    size_t at = 0;
    int r;

    if (!sorted || !order)
        return error_no_memory(err);
    while ((r = order_once(lifecycle, climbers, order, &at, err)) == EIN_E_INVALID && !strict) {
        give_up(lifecycle, climbers->list[at], err->text);
        climbers_remove(climbers, at);
    }
    if (r < 0)
        return r;
    for (size_t i = 0; i < climbers->count; i++)
        sorted[i] = climbers->list[order[i]];
    memcpy(climbers->list, sorted, climbers->count * sizeof(*sorted));
    return 0;
}

/* A need that the order had met, of a publisher that then failed to start; NULL: all are met. */
static const char *lost_need(const struct lifecycle *lifecycle, const struct ein_ctx *ctx)
{
    for (const char *const *need = ctx->plugin->about.needs; need && *need; need++) {
        if (!str_eq(*need, EIN_SERVER) && !services_has(lifecycle->setup.services, *need))
            return *need;
    }
    return NULL;
}

static int start_one(struct lifecycle *lifecycle, struct ein_ctx *ctx, struct ein_error *err)
{
    const char *lost = lost_need(lifecycle, ctx);

    if (!lost)
        return instance_start(ctx, ++lifecycle->starts, err);
    (void)error_set(err, EIN_E_UNAVAILABLE, "%s needs %s, which no running plugin offers",
                    ctx->name, lost);
    take_down(lifecycle, ctx);
    if (!ctx->entered)
        instance_set_state(ctx, INSTANCE_FAILED, err->text);
    return EIN_E_UNAVAILABLE;
}

static int start_all(struct lifecycle *lifecycle, const struct climbers *climbers, bool strict,
                     struct ein_error *err)
{
    for (size_t i = 0; i < climbers->count; i++) {
        int r = start_one(lifecycle, climbers->list[i], err);

        if (r < 0 && strict)
            return r;
        if (r < 0)
            say(lifecycle, climbers->list[i]->name, err->text);
    }
    return 0;
}

/* ---- some of them ---- */

/* Is CTX who others get that ask for `iface`? */
static bool serves(const struct ein_ctx *ctx, const char *iface)
{
    return services_is_default(ctx->setup->services, iface, &ctx->gate);
}

static bool is_needed_by(const struct ein_ctx *ctx, const struct ein_ctx *other)
{
    for (const char *const *need = other->plugin->about.needs; need && *need; need++)
        if (serves(ctx, *need))
            return true;
    return false;
}

/* Leaves, of climbers in starting order, who serves `iface`, and all that it needs. */
static void climbers_choose(struct climbers *climbers, const char *iface)
{
    size_t i = climbers->count;

    while (i-- > 0) {
        bool chosen = serves(climbers->list[i], iface);

        for (size_t k = i + 1; k < climbers->count && !chosen; k++)
            chosen = is_needed_by(climbers->list[i], climbers->list[k]);
        if (!chosen)
            climbers_remove(climbers, i);
    }
}

enum rise {
    RISE_LOOK,   /* no further than init() */
    RISE_STRICT, /* the first failure is returned */
    RISE_LENIENT /* a failure is logged, and the others go on */
};

static int bring_up(struct lifecycle *lifecycle, struct climbers *climbers, enum rise rise,
                    const char *iface, struct ein_error *err)
{
    bool strict = rise != RISE_LENIENT;
    int r = init_all(lifecycle, climbers, strict, err);

    if (r == 0)
        r = order_all(lifecycle, climbers, strict, err);
    if (r == 0 && iface)
        climbers_choose(climbers, iface);
    if (r < 0 || rise != RISE_LOOK)
        return r < 0 ? r : start_all(lifecycle, climbers, strict, err);
    for (size_t i = 0; i < climbers->count; i++)
        gate_open(&climbers->list[i]->gate);
    return 0;
}

/* ---- taking instances down ---- */

/* The one to leave next: the last to have started, before all those that never did. */
static struct ein_ctx *last_entered(const struct lifecycle *lifecycle,
                                    bool (*chosen)(const struct ein_ctx *ctx, const void *data),
                                    const void *data)
{
    struct ein_ctx *last = NULL;

    for (size_t i = 0; i < lifecycle->count; i++) {
        struct ein_ctx *ctx = lifecycle->instances[i];

        if (ctx->entered && !ctx->leaving && chosen(ctx, data) &&
            (!last || ctx->started_as >= last->started_as))
            last = ctx;
    }
    return last;
}

static void take_down_all(struct lifecycle *lifecycle, int64_t until_ms,
                          bool (*chosen)(const struct ein_ctx *ctx, const void *data),
                          const void *data)
{
    struct ein_ctx *ctx;

    while ((ctx = last_entered(lifecycle, chosen, data))) {
        ctx->leaving = true;
        take_down_until(lifecycle, ctx, until_ms);
    }
    for (size_t i = 0; i < lifecycle->count; i++)
        lifecycle->instances[i]->leaving = false;
}

static bool everyone(const struct ein_ctx *ctx, const void *data)
{
    (void)ctx;
    (void)data;
    return true;
}

bool lifecycle_stop(struct lifecycle *lifecycle)
{
    take_down_all(lifecycle, clock_mono_ms() + lifecycle->setup.drain_ms, everyone, NULL);
    for (size_t i = 0; i < lifecycle->count; i++) {
        if (lifecycle->instances[i]->entered)
            return false;
    }
    return true;
}

/* ---- what the configuration wants ---- */

static struct ein_ctx *instance_find(const struct lifecycle *lifecycle, const char *name)
{
    for (size_t i = 0; i < lifecycle->count; i++) {
        if (str_eq(lifecycle->instances[i]->name, name))
            return lifecycle->instances[i];
    }
    return NULL;
}

/* The instance runs as the plan wants it, and need not be touched. */
static bool is_as_planned(const struct ein_ctx *ctx, const struct plan_item *item)
{
    return item->enabled && ctx->started && str_eq(ctx->plugin->path, item->plugin->path) &&
           json_equal(ctx->settings, item->settings);
}

static bool is_not_as_planned(const struct ein_ctx *ctx, const void *data)
{
    const struct plan_item *item = plan_find(data, ctx->name);

    return !item || !is_as_planned(ctx, item);
}

/* Hands the planned plugin and settings over; the instance has left, or is new. */
static void adopt(struct ein_ctx *ctx, struct plan_item *item)
{
    if (item->plugin) {
        plugin_close(ctx->plugin);
        ctx->plugin = EIN_TAKE(item->plugin);
    }
    json_decref(ctx->settings);
    ctx->settings = json_incref(item->settings);
    instance_set_state(ctx, INSTANCE_DISABLED, NULL);
}

/* Everything that must not be found missing half-way is made before anything changes. */
struct change {
    struct ein_ctx **instances; /* as planned; the names that are new */
    struct ein_ctx **climbing;
    size_t count;
};

static void change_done(struct lifecycle *lifecycle, struct change *change)
{
    for (size_t i = 0; change->instances && i < change->count; i++) {
        if (change->instances[i] &&
            instance_find(lifecycle, change->instances[i]->name) != change->instances[i])
            instance_free(change->instances[i]);
    }
    free(change->instances);
    free(change->climbing);
}

static int change_make(struct lifecycle *lifecycle, const struct plan *plan, struct change *change)
{
    *change = (struct change){ .count = plan->count,
                               /* room for those that have not drained */
                               .instances = calloc(plan->count + lifecycle->count + 1,
                                                   sizeof(*change->instances)),
                               .climbing = calloc(plan->count + 1, sizeof(*change->climbing)) };
    if (!change->instances || !change->climbing)
        return EIN_E_NO_MEMORY;
    for (size_t i = 0; i < plan->count; i++) {
        change->instances[i] = instance_find(lifecycle, plan->items[i].name);
        if (!change->instances[i] &&
            instance_new(&lifecycle->setup, plan->items[i].name, &change->instances[i]) < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

/* The list as planned takes the place of what was; what is gone for good is freed, and what did
 * not drain stays at the end of it. */
static void exchange(struct lifecycle *lifecycle, const struct plan *plan, struct change *change)
{
    struct ein_ctx **before = lifecycle->instances;
    size_t count_before = lifecycle->count, count = change->count;
    EIN_LOCKED(&lifecycle->lock);

    for (size_t i = 0; i < count_before; i++) {
        if (plan_find(plan, before[i]->name))
            continue;
        if (before[i]->entered)
            change->instances[count++] = before[i];
        else
            instance_free(before[i]);
    }
    lifecycle->instances = EIN_TAKE(change->instances);
    lifecycle->count = count;
    free(before);
}

static int carry_out(struct lifecycle *lifecycle, struct plan *plan, enum rise rise,
                     const char *iface, struct ein_error *err)
{
    struct climbers climbers = { .count = 0 };
    struct change change;
    int r = change_make(lifecycle, plan, &change);

    if (r < 0) {
        change_done(lifecycle, &change);
        return error_set(err, r, "no memory for %zu plugins", plan->count);
    }
    take_down_all(lifecycle, INT64_MAX, is_not_as_planned, plan);
    exchange(lifecycle, plan, &change);
    climbers.list = change.climbing;
    for (size_t i = 0; i < plan->count; i++) {
        struct ein_ctx *ctx = lifecycle->instances[i];

        if (ctx->entered)
            continue; /* it runs as planned, or it did not drain */
        adopt(ctx, &plan->items[i]);
        if (plan->items[i].enabled)
            climbers.list[climbers.count++] = ctx;
    }
    r = bring_up(lifecycle, &climbers, rise, iface, err);
    change_done(lifecycle, &change);
    return r;
}

static int apply(struct lifecycle *lifecycle, struct config *config, enum rise rise,
                 const char *iface, char **ret_faults)
{
    struct ein_error err = { 0 };
    struct plan *plan = NULL;
    int r = plan_make(lifecycle->setup.plugin_dirs, config, &plan, ret_faults);

    if (r < 0)
        return r;
    r = carry_out(lifecycle, plan, rise, iface, &err);
    plan_free(plan);
    if (r < 0)
        *ret_faults = strdup(err.text);
    return r;
}

static int rise_or_fall(struct lifecycle *lifecycle, struct config *config, enum rise rise,
                        const char *iface, char **ret_faults)
{
    int r = apply(lifecycle, config, rise, iface, ret_faults);

    if (r < 0)
        (void)lifecycle_stop(lifecycle);
    return r;
}

int lifecycle_start(struct lifecycle *lifecycle, struct config *config, char **ret_faults)
{
    return rise_or_fall(lifecycle, config, RISE_STRICT, NULL, ret_faults);
}

int lifecycle_start_for(struct lifecycle *lifecycle, struct config *config, const char *iface,
                        char **ret_faults)
{
    return rise_or_fall(lifecycle, config, RISE_STRICT, iface, ret_faults);
}

int lifecycle_look(struct lifecycle *lifecycle, struct config *config, char **ret_faults)
{
    return rise_or_fall(lifecycle, config, RISE_LOOK, NULL, ret_faults);
}

int lifecycle_check(const struct lifecycle *lifecycle, ein_say *tell, void *data,
                    struct ein_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < lifecycle->count; i++) {
        const struct ein_ctx *ctx = lifecycle->instances[i];
        if (ctx->entered && ctx->plugin->about.check)
            r = ctx->plugin->about.check(ctx->self, tell, data, err);
    }
    return r;
}

int lifecycle_reload(struct lifecycle *lifecycle, struct config *config, char **ret_faults)
{
    return apply(lifecycle, config, RISE_LENIENT, NULL, ret_faults);
}

/* ---- telling ---- */

static const char *const state_names[] = {
    [INSTANCE_DISABLED] = "disabled",   [INSTANCE_STARTING] = "starting",
    [INSTANCE_READY] = "ready",         [INSTANCE_UNREADY] = "unready",
    [INSTANCE_WITHDRAWN] = "withdrawn", [INSTANCE_FAILED] = "failed",
};

static json_t *tell(struct ein_ctx *ctx, bool *well)
{
    const struct ein_plugin *about = ctx->plugin ? &ctx->plugin->about : NULL;
    EIN_LOCKED(&ctx->lock);

    if (ctx->state != INSTANCE_READY && ctx->state != INSTANCE_DISABLED)
        *well = false;
    return json_pack("{s: s, s: s?, s: s?, s: s, s: s?}", "name", ctx->name, "plugin",
                     about ? about->name : NULL, "version", about ? about->version : NULL, "state",
                     state_names[ctx->state], "reason", ctx->reason[0] ? ctx->reason : NULL);
}

json_t *lifecycle_status(struct lifecycle *lifecycle, bool *ret_well)
{
    json_t *status = json_array();
    bool well = true;
    EIN_LOCKED(&lifecycle->lock);

    for (size_t i = 0; i < lifecycle->count; i++)
        (void)json_array_append_new(status, tell(lifecycle->instances[i], &well));
    if (ret_well)
        *ret_well = well;
    return status;
}
