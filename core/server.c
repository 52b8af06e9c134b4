/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"
#include "cleanup.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "error.h"
#include "events.h"
#include "host.h"
#include "http.h"
#include "jobs.h"
#include "lifecycle.h"
#include "listener.h"
#include "log.h"
#include "login_check.h"
#include "member.h"
#include "metrics.h"
#include "once.h"
#include "openapi.h"
#include "places.h"
#include "router.h"
#include "server_inside.h"
#include "server_service.h"
#include "services.h"
#include "status.h"
#include "stay.h"
#include "store.h"
#include "str.h"
#include "tracing.h"
#include <einion/services.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>

enum {
    DRAIN_SLICE_MS = 50 /* how often a drain looks whether it is to hurry */
};

/* ---- saying why ---- */

int server_say(const struct ein_error *err)
{
    (void)fprintf(stderr, "einion: %s\n", err->text);
    return err->code;
}

/* FAULTS: a line each. */
int server_say_faults(const char *faults, int code)
{
    const char *line = faults && *faults ? faults : error_text(code);

    while (*line) {
        size_t len = strcspn(line, "\n");

        (void)fprintf(stderr, "einion: %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    return code;
}

/* ---- settings that several rooms share ---- */

static uint32_t limit(const struct server *server, const char *name)
{
    return (uint32_t)integer_of(config_section(server->config, "limits"), name);
}

static int find_login(const struct ein_service *service, void *data)
{
    (void)data;
    return auth_is_login(service->vtable);
}

bool server_has_auth_provider(const struct server *server)
{
    return services_each(server->rooms.services, EIN_AUTH_PROVIDER, find_login, NULL) > 0;
}

static struct settings_from settings_from(const struct config *config, const char *admin_password,
                                          bool no_login)
{
    const char *ownership = text_of(config_section(config, "auth"), "ownership");

    return (struct settings_from){
        .limits = config_section(config, "limits"),
        .http = config_section(config, "http"),
        .admin_password = admin_password,
        .no_login = no_login,
        .shared = str_eq(ownership, "shared"),
    };
}

static int read_admin_password(const struct config *config, char **ret_password,
                               struct ein_error *err)
{
    EIN_FREE char *password = NULL;

    if (!json_is_true(member_at(config_json(config), "admin.panel")))
        return 0;
    password = config_secret("ADMIN_PANEL_PASSWORD");
    if (!password || !*password)
        return error_set(err, EIN_E_INVALID,
                         "admin.panel (ADMIN_PANEL_ENABLED) is on, but ADMIN_PANEL_PASSWORD or "
                         "ADMIN_PANEL_PASSWORD_FILE is not set");
    *ret_password = EIN_TAKE(password);
    return 0;
}

static int apply_defaults(struct server *server)
{
    const json_t *storage = config_section(server->config, "storage");

    return services_set_default(server->rooms.services, EIN_STORAGE_BACKEND,
                                text_of(storage, "backend"));
}

/* ---- what only the rooms above plugin/ can do for it ---- */

static struct server *server_of(const struct ein_ctx *ctx)
{
    const struct host_rooms *rooms = ctx->above;

    return (struct server *)((char *)rooms - offsetof(struct server, rooms));
}

static void forget_routes(struct ein_ctx *ctx)
{
    router_remove(server_of(ctx)->rooms.router, &ctx->gate);
}

static void held_routes(struct ein_ctx *ctx, char *out, size_t size)
{
    router_held(server_of(ctx)->rooms.router, &ctx->gate, out, size);
}

static const struct lifecycle_ops lifecycle_ops = {
    .forget_routes = forget_routes,
    .held_routes = held_routes,
};

/* ---- start and stop ---- */

/* false: calls of plugins have not come back.  Those that can leave have left. */
static bool take_down(struct server *server)
{
    bool closed, left;

    closed = !server->listener || listener_stop(server->listener, limit(server, "plugin_drain_ms"));
    left = !server->lifecycle || lifecycle_stop(server->lifecycle);
    return closed && left;
}

static void free_all(struct server *server)
{
    if (server->rooms.services)
        services_withdraw(server->rooms.services, &server->service.gate);
    jobs_free(server->rooms.jobs);
    events_free(server->rooms.events);
    lifecycle_free(server->lifecycle);
    openapi_free(server->openapi);
    http_free(server->http);
    store_free(server->rooms.store);
    client_free(server->rooms.client);
    tracing_free(server->rooms.tracing);
    services_free(server->rooms.services);
    metrics_free(server->rooms.metrics);
    log_free(server->rooms.log);
    places_free(server->plugin_dirs);
    config_free(server->config);
    json_decref(server->listening);
    free(server->admin_password);
    free(server);
}

int server_end(struct server *server, int r)
{
    if (!take_down(server)) {
        log_write(server->rooms.log, EIN_ERROR, "server", NULL,
                  "exiting although calls into plugins have not returned");
        return EIN_E_TIMEOUT;
    }
    free_all(server);
    return r;
}

/* After a busy time most of malloc's pages are empty, but lie between some that are not: it would
 * keep them. */
static void give_back(void *data)
{
    (void)data;
    (void)malloc_trim(0);
}

static int start_jobs(struct server *server, struct ein_error *err)
{
    struct jobs **jobs = &server->rooms.jobs;
    uint32_t trim_ms = limit(server, "trim_ms");
    int r = jobs_new(limit(server, "workers"), limit(server, "jobs"), jobs, err);

    jobs_owner_init(&server->jobs);
    if (r < 0 || trim_ms == 0)
        return r;
    r = jobs_every(*jobs, &server->jobs, trim_ms, give_back, NULL);
    return r < 0 ? error_set(err, r, "%s", error_text(r)) : 0;
}

/* All rooms, and no plugin yet. */
static int build_rooms(struct server *server, struct ein_error *err)
{
    struct host_rooms *rooms = &server->rooms;
    const json_t *listen = config_section(server->config, "listen");
    struct settings_from from;
    struct http_parts parts;
    int r;

    server->plugin_dirs =
        places_plugin_dirs(json_object_get(config_json(server->config), "plugin_dir"));
    if (!server->plugin_dirs)
        return error_no_memory(err);
    if ((r = log_new(config_section(server->config, "log"), &rooms->log, err)) < 0 ||
        (r = read_admin_password(server->config, &server->admin_password, err)) < 0 ||
        (r = metrics_new(&rooms->metrics)) < 0 || (r = tracing_new(&rooms->tracing)) < 0 ||
        (r = services_new(&rooms->services)) < 0 || (r = apply_defaults(server)) < 0 ||
        (r = start_jobs(server, err)) < 0 ||
        (r = events_new(rooms->jobs, rooms->metrics, &rooms->events)) < 0 ||
        (r = store_new(rooms->services, rooms->metrics, &rooms->store)) < 0)
        return r;

    r = client_new(config_section(server->config, "egress"), text_of(listen, "address"),
                   (uint16_t)integer_of(listen, "port"), rooms->metrics, &rooms->client, err);
    if (r < 0)
        return r;
    client_set_tracing(rooms->client, rooms->tracing);

    from = settings_from(server->config, server->admin_password, false);
    parts = (struct http_parts){ .log = rooms->log,
                                 .metrics = rooms->metrics,
                                 .services = rooms->services,
                                 .store = rooms->store,
                                 .tracing = rooms->tracing };
    r = http_new(&parts, &from, &server->http, err);
    if (r < 0)
        return r;
    rooms->router = http_router(server->http);
    return openapi_new(rooms->router, EIN_VERSION, &server->openapi);
}

static int build_lifecycle(struct server *server, struct ein_error *err)
{
    struct lifecycle_setup setup = {
        .host = &host_table,
        .plugin_dirs = (const char *const *)server->plugin_dirs,
        .log = server->rooms.log,
        .services = server->rooms.services,
        .events = server->rooms.events,
        .jobs = server->rooms.jobs,
        .tracing = server->rooms.tracing,
        .ops = &lifecycle_ops,
        .above = &server->rooms,
        .drain_ms = limit(server, "plugin_drain_ms"),
    };
    int r = lifecycle_new(&setup, &server->lifecycle);

    if (r < 0)
        return error_set(err, r, "%s", error_text(r));
    server->service.lifecycle = server->lifecycle;
    server->service.metrics = server->rooms.metrics;
    server->service.openapi = server->openapi;
    server->service.store = server->rooms.store;
    server->service.started_ms = clock_mono_ms();
    return server_service_publish(&server->service, server->rooms.services, err);
}

/* Configuration and rooms.  Says why it failed. */
int server_new(const struct server_setup *setup, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    EIN_FREE char *faults = NULL;
    struct ein_error err = { EIN_E_NO_MEMORY, "no memory" };
    int r;

    if (!server)
        return server_say(&err);
    server->setup = *setup;
    r = config_load(setup->config, setup->sets, &server->config, &faults);
    if (r < 0)
        return server_end(server, server_say_faults(faults, r));
    r = build_rooms(server, &err);
    if (r == 0)
        r = build_lifecycle(server, &err);
    if (r < 0)
        return server_end(server, server_say(&err));
    *ret_server = server;
    return 0;
}

/* CONFIG and PASSWORD may be such as are to come. */
static int check_login(const struct server *server, const struct config *config,
                       const char *password, bool has_provider, struct ein_error *err)
{
    const struct login_facts facts = {
        .config = config,
        .listen = server->listening ? server->listening : config_section(config, "listen"),
        .admin_password = password,
        .has_provider = has_provider,
    };

    return login_check(&facts, err);
}

int server_check_login(const struct server *server, bool has_provider, struct ein_error *err)
{
    return check_login(server, server->config, server->admin_password, has_provider, err);
}

static void say_hello(struct server *server, bool has_provider)
{
    const json_t *listen = config_section(server->config, "listen");
    char names[LOGINS_SIZE];

    login_names(server->rooms.services, names, sizeof(names));
    log_write(server->rooms.log, EIN_INFO, "server", NULL, "einion %s listens on %s port %d, %s%s",
              EIN_VERSION, text_of(listen, "address"), listener_port(server->listener),
              has_provider ? "logins: " : "without login, for this machine only", names);
    if (login_is_open(server->config))
        log_write(server->rooms.log, EIN_WARN, "server", NULL,
                  "auth-dev-stub is on: whoever reaches this server may be any of its users");
}

/* Without a storage backend no key is taken. */
static int keep_answers(struct server *server, struct ein_error *err)
{
    struct store *store = server->rooms.store;
    int r = once_index(store, err);

    if (r < 0)
        return r == EIN_E_UNAVAILABLE ? 0 : r;
    r = jobs_every(server->rooms.jobs, &server->jobs, ONCE_SWEEP_MS, once_sweep, store);
    if (r >= 0)
        r = jobs_every(server->rooms.jobs, &server->jobs, ONCE_TELL_MS, once_tell, server->http);
    return r < 0 ? error_set(err, r, "%s", error_text(r)) : 0;
}

static int open_doors(struct server *server, struct ein_error *err)
{
    bool has_provider = server_has_auth_provider(server);
    struct settings_from from =
        settings_from(server->config, server->admin_password, !has_provider);
    const json_t *listen = config_section(server->config, "listen");
    int r = server_check_login(server, has_provider, err);

    if (r < 0)
        return r;
    r = http_reload(server->http, &from, err);
    if (r < 0)
        return r;
    r = jobs_every(server->rooms.jobs, &server->jobs, STAY_LOOK_MS, stay_look, server->http);
    if (r < 0)
        return error_set(err, r, "%s", error_text(r));
    r = listener_start(server->http, listen, &server->listener, err);
    if (r < 0)
        return r;
    server->listening = json_deep_copy(listen);
    say_hello(server, has_provider);
    return 0;
}

int server_start(const struct server_setup *setup, struct server **ret_server)
{
    struct server *server;
    EIN_FREE char *faults = NULL;
    struct ein_error err = { 0 };
    int r = server_new(setup, &server);

    if (r < 0)
        return r;
    r = lifecycle_start(server->lifecycle, server->config, &faults);
    if (r < 0)
        return server_end(server, server_say_faults(faults, r));
    r = keep_answers(server, &err);
    if (r == 0)
        r = open_doors(server, &err);
    if (r < 0)
        return server_end(server, server_say(&err));
    *ret_server = server;
    return 0;
}

/* What takes effect at the next start only. */
static void warn_of_fixed(const struct server *server, const struct config *next)
{
    static const char *const fixed[] = { "listen",
                                         "log.to",
                                         "storage",
                                         "plugin_dir",
                                         "limits.workers",
                                         "limits.jobs",
                                         "limits.connections",
                                         "limits.connections_per_ip",
                                         "limits.header_bytes",
                                         "limits.stack_bytes",
                                         "limits.trim_ms",
                                         "http.wrong_login_addresses",
                                         NULL };

    for (size_t i = 0; fixed[i]; i++)
        if (!json_equal(member_at(config_json(server->config), fixed[i]),
                        member_at(config_json(next), fixed[i])))
            log_write(server->rooms.log, EIN_WARN, "server", NULL,
                      "%s has changed: that takes effect when the server is started again",
                      fixed[i]);
}

/* ---- what changed is audited ---- */

/* Names of the instances that run. */
static json_t *running(const struct server *server)
{
    EIN_JSON json_t *status = lifecycle_status(server->lifecycle, NULL);
    json_t *names = json_object(), *item;
    size_t i;

    json_array_foreach(status, i, item)
    {
        const char *state = text_of(item, "state");

        if (str_eq(state, "ready") || str_eq(state, "unready"))
            (void)json_object_set_new(names, text_of(item, "name"), json_true());
    }
    return names;
}

/* The names that are in `these` and not in `those`. */
static json_t *missing_in(const json_t *these, const json_t *those)
{
    json_t *names = json_array(), *value;
    const char *name;

    json_object_foreach((json_t *)these, name, value) if (!json_object_get(those, name))(void)
        json_array_append_new(names, json_string(name));
    return names;
}

/* Where there is an audit log; it says itself where it cannot be written. */
static void audit_reload(struct server *server, const json_t *before)
{
    EIN_JSON json_t *after = running(server);
    const struct ein_service *service;
    json_t *event;

    if (services_acquire(server->rooms.services, EIN_AUDIT, NULL, &service) < 0)
        return;
    event = json_pack("{s:s, s:s, s:s, s:{s:o, s:o}}", "action", "configuration_reloaded", "actor",
                      "operator", "outcome", "success", "details", "plugins_started",
                      missing_in(after, before), "plugins_stopped", missing_in(before, after));
    (void)((const struct ein_audit *)service->vtable)->append(service->impl, event, NULL);
    services_release(service);
}

/* Whatever can be refused is, before anything changes. */
static int check_next(const struct server *server, const struct config *next, char **ret_password,
                      struct ein_error *err)
{
    struct settings *settings = NULL;
    struct settings_from from;
    int r = read_admin_password(next, ret_password, err);

    if (r == 0)
        r = check_login(server, next, *ret_password, true, err);
    if (r == 0)
        r = client_check(server->rooms.client, config_section(next, "egress"), err);
    if (r < 0)
        return r;
    from = settings_from(next, *ret_password, false);
    r = settings_new(&from, &settings, err);
    settings_free(settings);
    return r;
}

static int reload(struct server *server, char **ret_faults, struct ein_error *err)
{
    EIN_FREE char *password = NULL;
    struct config *config;
    struct settings_from from;
    bool has_provider;
    int r = config_load(server->setup.config, server->setup.sets, &config, ret_faults);

    if (r < 0)
        return r;
    r = check_next(server, config, &password, err);
    if (r == 0)
        r = lifecycle_reload(server->lifecycle, config, ret_faults);
    if (r < 0) {
        config_free(config);
        return r;
    }
    warn_of_fixed(server, config);
    config_free(server->config);
    server->config = config;
    free(server->admin_password);
    server->admin_password = EIN_TAKE(password);

    lifecycle_set_drain_ms(server->lifecycle, limit(server, "plugin_drain_ms"));
    has_provider = server_has_auth_provider(server);
    from = settings_from(config, server->admin_password,
                         !has_provider && server_check_login(server, false, err) == 0);
    r = client_reload(server->rooms.client, config_section(config, "egress"), err);
    return r < 0 ? r : http_reload(server->http, &from, err);
}

/* FAULTS: a line each. */
static void log_faults(const struct server *server, const char *faults)
{
    for (size_t len; *faults; faults += len + (faults[len] == '\n')) {
        len = strcspn(faults, "\n");
        log_write(server->rooms.log, EIN_ERROR, "server", NULL, "configuration not reloaded: %.*s",
                  (int)len, faults);
    }
}

int server_reload(struct server *server)
{
    EIN_FREE char *faults = NULL;
    EIN_JSON json_t *before = running(server);
    struct ein_error err = { 0 };
    struct ein_error log_err;
    int r = reload(server, &faults, &err);

    /* Its file may have been moved away, whatever the configuration is like. */
    if (log_reload(server->rooms.log, config_section(server->config, "log"), &log_err) < 0)
        log_write(server->rooms.log, EIN_ERROR, "server", NULL, "%s", log_err.text);
    if (r < 0) {
        log_faults(server, faults ? faults : err.text);
        return r;
    }
    log_write(server->rooms.log, EIN_INFO, "server", NULL, "configuration reloaded");
    events_emit(server->rooms.events, "configuration.reloaded", json_object());
    audit_reload(server, before);
    return r;
}

int server_stop(struct server *server, const bool *hurry)
{
    int64_t deadline = clock_mono_ms() + limit(server, "drain_ms");

    log_write(server->rooms.log, EIN_INFO, "server", NULL, "stopping: %u requests to finish",
              listener_answering(server->listener));
    __atomic_store_n(&server->service.draining, true, __ATOMIC_RELAXED);
    listener_quiesce(server->listener);
    while (!listener_drain(server->listener, DRAIN_SLICE_MS))
        if (__atomic_load_n(hurry, __ATOMIC_RELAXED) || clock_mono_ms() >= deadline) {
            log_write(server->rooms.log, EIN_WARN, "server", NULL,
                      "cancelling %u requests that have not ended in time",
                      listener_answering(server->listener));
            break;
        }
    return server_end(server, 0);
}
