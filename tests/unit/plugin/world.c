/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "cleanup.h"
#include "config.h"
#include "error.h"
#include "events.h"
#include "log.h"
#include "services.h"
#include <stdio.h>
#include <string.h>

enum { JOURNAL_MAX = 256 * 1024 };

static const char *const plugin_dirs[] = { PLUGIN_DIR, NULL };

/* ---- the host ---- */

__attribute__((format(printf, 3, 4))) static void log_msg(struct ein_ctx *ctx, int level,
                                                          const char *fmt, ...)
{
    struct world *world = ctx->above;
    va_list args;
    EIN_LOCKED(&world->lock);

    (void)buf_printf(&world->journal, "%s:", ctx->name);
    va_start(args, fmt);
    (void)buf_vprintf(&world->journal, fmt, args);
    va_end(args);
    (void)buf_char(&world->journal, ' ');
}

static int submit(struct ein_ctx *ctx, void (*run)(void *data), void (*drop)(void *data),
                  void *data)
{
    return jobs_submit(ctx->setup->jobs, &ctx->jobs, run, drop, data);
}

static void forget_routes(struct ein_ctx *ctx)
{
    ((struct world *)ctx->above)->forgotten++;
}

static void held_routes(struct ein_ctx *ctx, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", "");
}

static const struct lifecycle_ops ops = { .forget_routes = forget_routes,
                                          .held_routes = held_routes };

/* ---- made and unmade ---- */

static struct log *make_log(const struct world *world)
{
    EIN_JSON json_t *settings = json_pack("{s: s, s: s, s: s++}", "level", "debug", "format",
                                          "text", "to", world->dir, "/", "log");
    struct log *log = NULL;
    struct ein_error err = { 0 };

    if (log_new(settings, &log, &err) < 0)
        fail_msg("%s", err.text);
    return log;
}

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    *state = world;
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/einion-life-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    (void)pthread_mutex_init(&world->lock, NULL);
    buf_init(&world->journal, JOURNAL_MAX);
    world->log = make_log(world);
    assert_int_equal(services_new(&world->services), 0);
    assert_int_equal(jobs_new(2, 100, &world->jobs, NULL), 0);
    assert_int_equal(events_new(world->jobs, NULL, &world->events), 0);
    world->host = (struct ein_host){ .struct_size = sizeof world->host,
                                     .log_msg = log_msg,
                                     .set_error = error_set,
                                     .secret = instance_secret,
                                     .unready = instance_unready,
                                     .publish = instance_publish,
                                     .subscribe = instance_subscribe,
                                     .submit = submit };
    world->setup = (struct lifecycle_setup){ .host = &world->host,
                                             .plugin_dirs = plugin_dirs,
                                             .log = world->log,
                                             .services = world->services,
                                             .events = world->events,
                                             .jobs = world->jobs,
                                             .ops = &ops,
                                             .above = world,
                                             .drain_ms = 10000 };
    return lifecycle_new(&world->setup, &world->lifecycle);
}

int world_teardown(void **state)
{
    struct world *world = *state;
    char path[64];

    assert_true(lifecycle_stop(world->lifecycle));
    lifecycle_free(world->lifecycle);
    jobs_free(world->jobs);
    events_free(world->events);
    services_free(world->services);
    log_free(world->log);
    for (size_t i = 0; i < world->config_count; i++)
        config_free(world->configs[i]);
    json_decref(world->status);
    buf_done(&world->journal);
    (void)snprintf(path, sizeof path, "%s/config.yaml", world->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/log", world->dir);
    (void)unlink(path);
    (void)rmdir(world->dir);
    free(world);
    return 0;
}

struct config *world_config(struct world *world, const char *plugins)
{
    struct config *config = NULL;
    char path[64], *faults = NULL;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/config.yaml", world->dir);
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file, "shipped_plugins: false\nplugins:\n%s", plugins);
    (void)fclose(file);
    if (config_load(path, NULL, &config, &faults) < 0)
        fail_msg("%s", faults);
    assert_true(world->config_count < 8);
    world->configs[world->config_count++] = config;
    return config;
}

void world_start(struct world *world, const char *plugins)
{
    char *faults = NULL;

    if (lifecycle_start(world->lifecycle, world_config(world, plugins), &faults) < 0)
        fail_msg("%s", faults);
}

void world_refuse(struct world *world, const char *plugins, const char *why)
{
    char *faults = NULL;

    if (lifecycle_start(world->lifecycle, world_config(world, plugins), &faults) == 0)
        fail_msg("started, in spite of: %s", why);
    assert_non_null(faults);
    if (!strstr(faults, why))
        fail_msg("'%s' instead of '%s'", faults, why);
    free(faults);
}

void world_reload(struct world *world, const char *plugins)
{
    char *faults = NULL;

    if (lifecycle_reload(world->lifecycle, world_config(world, plugins), &faults) < 0)
        fail_msg("%s", faults);
}

/* ---- looking ---- */

const char *world_journal(struct world *world)
{
    EIN_LOCKED(&world->lock);

    (void)snprintf(world->said, sizeof world->said, "%s",
                   world->journal.data ? world->journal.data : "");
    buf_clear(&world->journal);
    return world->said;
}

void world_expect(struct world *world, const char *journal)
{
    for (int i = 0; i < 24000; i++) {
        {
            EIN_LOCKED(&world->lock);
            if (world->journal.len >= strlen(journal))
                break;
        }
        (void)usleep(5000);
    }
    assert_string_equal(world_journal(world), journal);
}

bool world_log_has(struct world *world, const char *text)
{
    char path[64], line[2048];
    bool has = false;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/log", world->dir);
    file = fopen(path, "re");
    while (file && !has && fgets(line, sizeof line, file))
        has = strstr(line, text) != NULL;
    if (file)
        (void)fclose(file);
    return has;
}

const struct ein_service *world_acquire(struct world *world, const char *iface)
{
    const struct ein_service *service = NULL;

    return services_acquire(world->services, iface, NULL, &service) == 0 ? service : NULL;
}

static const json_t *status_of(struct world *world, const char *name)
{
    const json_t *entry;
    size_t i;

    json_decref(world->status);
    world->status = lifecycle_status(world->lifecycle, NULL);
    json_array_foreach(world->status, i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return entry;
    }
    return NULL;
}

const char *world_state(struct world *world, const char *name)
{
    return json_string_value(json_object_get(status_of(world, name), "state"));
}

const char *world_reason(struct world *world, const char *name)
{
    return json_string_value(json_object_get(status_of(world, name), "reason"));
}
