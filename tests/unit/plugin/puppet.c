/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that does what its settings say and tells the host's log of every step.  Compiled with
 * NAME, and perhaps NEEDS and FLAGS. */
#include "puppet.h"

#include <einion/plugin.h>
#include <jansson.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NEEDS
#define NEEDS NULL
#endif
#ifndef FLAGS
#define FLAGS 0
#endif

enum { ALIVE = 42 };

struct puppet {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const json_t *config;
    int alive;
};

static const char *setting(const struct puppet *puppet, const char *name)
{
    return json_string_value(json_object_get(puppet->config, name));
}

static void tell(const struct puppet *puppet, const char *step)
{
    puppet->host->log_msg(puppet->ctx, EIN_INFO, "%s", step);
}

static int greet(void *impl)
{
    return ((const struct puppet *)impl)->alive;
}

static void *ctx_of(void *impl)
{
    return ((const struct puppet *)impl)->ctx;
}

static const char *secret(void *impl, const char *name)
{
    const struct puppet *puppet = impl;

    return puppet->host->secret(puppet->ctx, name);
}

static void unready(void *impl, const char *reason)
{
    const struct puppet *puppet = impl;

    puppet->host->unready(puppet->ctx, reason);
}

static const struct puppet_api api;

static int publish_late(void *impl)
{
    const struct puppet *puppet = impl;

    return puppet->host->publish(puppet->ctx, "late/1", "late", &api, impl, NULL);
}

static int submit(void *impl, void (*run)(void *data), void *data)
{
    const struct puppet *puppet = impl;

    return puppet->host->submit(puppet->ctx, run, NULL, data);
}

static const struct puppet_api api = { .struct_size = sizeof api,
                                       .greet = greet,
                                       .ctx = ctx_of,
                                       .secret = secret,
                                       .unready = unready,
                                       .publish_late = publish_late,
                                       .submit = submit };

static void on_event(const char *topic, const struct json_t *event, void *data)
{
    (void)event;
    tell(data, topic);
}

struct busy {
    sem_t began;
    useconds_t us;
};

static void be_busy(void *data)
{
    struct busy *busy = data;
    useconds_t us = busy->us;

    (void)sem_post(&busy->began);
    (void)usleep(us);
}

/* Returns when a job of so long has begun. */
static int begin_job(const struct puppet *puppet, json_int_t busy_ms)
{
    struct busy busy = { .us = (useconds_t)busy_ms * 1000 };
    int r;

    (void)sem_init(&busy.began, 0, 0);
    r = puppet->host->submit(puppet->ctx, be_busy, NULL, &busy);
    if (r == 0)
        (void)sem_wait(&busy.began);
    return r;
}

static int prepare(struct puppet *puppet, struct ein_error *err)
{
    const char *offer = setting(puppet, "offer"), *topic = setting(puppet, "topic");
    json_int_t busy_ms = json_integer_value(json_object_get(puppet->config, "busy_ms"));
    const char *name = *setting(puppet, "unnamed") ? NULL : NAME;
    int r = 0;

    if (*offer)
        r = puppet->host->publish(puppet->ctx, offer, name, &api, puppet, err);
    if (r == 0 && *topic)
        r = puppet->host->subscribe(puppet->ctx, topic, on_event, puppet);
    if (r == 0 && busy_ms > 0)
        r = begin_job(puppet, busy_ms);
    if (r == 0 && strcmp(setting(puppet, "fail"), "init") == 0)
        r = puppet->host->set_error(err, EIN_E_UNAVAILABLE, "told to fail");
    return r;
}

static int puppet_init(const struct ein_host *host, struct ein_ctx *ctx,
                       const struct json_t *config, void **ret_self, struct ein_error *err)
{
    struct puppet *puppet = calloc(1, sizeof *puppet);
    int r;

    if (!puppet)
        return EIN_E_NO_MEMORY;
    *puppet = (struct puppet){ host, ctx, config, ALIVE };
    tell(puppet, "init");
    r = prepare(puppet, err);
    if (r < 0) {
        free(puppet);
        return r;
    }
    *ret_self = puppet;
    return 0;
}

static int puppet_start(void *self, struct ein_error *err)
{
    struct puppet *puppet = self;

    tell(puppet, "start");
    if (strcmp(setting(puppet, "fail"), "start") == 0)
        return puppet->host->set_error(err, EIN_E_UNAVAILABLE, "told to fail");
    if (strcmp(setting(puppet, "fail"), "unready") == 0)
        puppet->host->unready(puppet->ctx, "not warm yet");
    return 0;
}

static void puppet_stop(void *self)
{
    tell(self, "stop");
}

static void puppet_fini(void *self)
{
    struct puppet *puppet = self;

    tell(puppet, "fini");
    puppet->alive = 0;
    free(puppet);
}

static const char *const needs[] = { NEEDS, NULL };

static const struct ein_plugin puppet_plugin = {
    EIN_PLUGIN_HEADER,
    .flags = FLAGS,
    .name = NAME,
    .version = "1.2.3",
    .summary = "Does as it is told",
    .config_schema = "{\"type\": \"object\", \"properties\": {"
                     "\"offer\": {\"type\": \"string\", \"default\": \"\"},"
                     "\"unnamed\": {\"type\": \"string\", \"default\": \"\"},"
                     "\"topic\": {\"type\": \"string\", \"default\": \"\"},"
                     "\"busy_ms\": {\"type\": \"integer\"},"
                     "\"fail\": {\"type\": \"string\", \"default\": \"\"}}}",
    .needs = needs,
    .init = puppet_init,
    .start = puppet_start,
    .stop = puppet_stop,
    .fini = puppet_fini,
};
EIN_PLUGIN_EXPORT(puppet_plugin)
