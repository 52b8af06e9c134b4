/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "config.h"
#include "error.h"
#include "lifecycle.h"
#include "listen_at.h"
#include "loader.h"
#include "log.h"
#include "login_check.h"
#include "member.h"
#include "router.h"
#include "server_inside.h"
#include "services.h"
#include "store.h"
#include <einion/services.h>

/* Who needs none may do without; who has some must name one of them. */
static int check_storage(const struct server *server, struct ein_error *err)
{
    struct services *services = server->rooms.services;
    const json_t *storage = config_section(server->config, "storage");
    const char *name = text_of(storage, "backend");
    const struct ein_service *service;

    if (services_acquire(services, EIN_STORAGE_BACKEND, NULL, &service) >= 0) {
        services_release(service);
        return 0;
    }
    if (!services_has(services, EIN_STORAGE_BACKEND))
        return 0;
    return error_set(err, EIN_E_INVALID,
                     "storage.backend: no enabled plugin is the storage '%s', which is "
                     "plugins.storage-%s with enabled: true",
                     name ? name : "", name ? name : "NAME");
}

/* A server whose plugins are initialised, and not started.  Says why it failed. */
static int look(const struct server_setup *setup, struct server **ret_server)
{
    struct server *server = NULL;
    EIN_FREE char *faults = NULL;
    int r = server_new(setup, &server);

    if (r < 0)
        return r;
    r = lifecycle_look(server->lifecycle, server->config, &faults);
    if (r < 0)
        return server_end(server, server_say_faults(faults, r));
    *ret_server = server;
    return 0;
}

static void print_line(const char *line, void *data)
{
    (void)fprintf(data, "%s\n", line);
}

static void print_logins(const struct server *server)
{
    const json_t *admins = json_object_get(config_section(server->config, "auth"), "site_admins");
    char names[LOGINS_SIZE];
    const json_t *admin;
    size_t i;

    if (!server_has_auth_provider(server)) {
        (void)puts("there are no logins: only this machine is served, as one user");
        return;
    }
    login_names(server->rooms.services, names, sizeof(names));
    (void)printf("logins: %s; site admins:", names);
    json_array_foreach(admins, i, admin)
    {
        (void)printf("%s %s", i ? "," : "", json_string_value(admin));
    }
    (void)puts(json_array_size(admins) ? "" : " nobody");
}

int server_check(const struct server_setup *setup)
{
    struct server *server = NULL;
    struct ein_error err = { 0 };
    int r = look(setup, &server);

    if (r < 0)
        return r;
    r = server_check_login(server, server_has_auth_provider(server), &err);
    if (r >= 0)
        r = check_storage(server, &err);
    if (r >= 0) {
        (void)printf("%s: the configuration is right\n",
                     setup->config ? setup->config : "built-in default");
        print_logins(server);
        (void)fflush(stdout);
        r = listen_at_check(config_section(server->config, "listen"), print_line, stdout, &err);
    }
    if (r >= 0)
        r = lifecycle_check(server->lifecycle, print_line, stdout, &err);
    if (r < 0)
        (void)server_say(&err);
    return server_end(server, r);
}

int server_list_plugins(const struct server_setup *setup, FILE *out)
{
    struct server *server = NULL;
    size_t i;
    json_t *plugin;
    int r = server_new(setup, &server);

    if (r < 0)
        return r;
    json_array_foreach(json_object_get(config_json(server->config), "plugins"), i, plugin)
    {
        const char *name = text_of(plugin, "name");
        const char *file = text_of(plugin, "plugin");
        bool enabled = json_is_true(json_object_get(plugin, "enabled"));
        struct plugin *opened = NULL;
        struct ein_error err = { 0 };

        if (plugin_open((const char *const *)server->plugin_dirs, file, &opened, &err) < 0)
            r = err.code;
        (void)fprintf(out, "%-18s %-18s %-9s %-9s %s\n", name, file,
                      enabled ? "enabled" : "disabled", opened ? opened->about.version : "-",
                      opened ? opened->about.summary : err.text);
        plugin_close(opened);
    }
    return server_end(server, r);
}

static int print_route(const struct route *route, void *data)
{
    static const struct {
        int level;
        const char *word;
    } levels[] = { { EIN_AUTH_ADMIN, "admin" },
                   { EIN_AUTH_USER, "user" },
                   { EIN_AUTH_OPTIONAL, "optional" },
                   { EIN_AUTH_NONE, "none" } };
    size_t i = 0;

    while (levels[i].level > route->spec.auth)
        i++;
    (void)fprintf(data, "%-7s %-50s %-9s %-14s %s\n", route->spec.method, route->spec.path,
                  levels[i].word, route->owner.name, route->spec.summary);
    return 0;
}

int server_list_routes(const struct server_setup *setup, FILE *out)
{
    struct server *server = NULL;
    int r = look(setup, &server);

    if (r < 0)
        return r;
    r = router_each(server->rooms.router, print_route, out);
    return server_end(server, r);
}

int server_plugin_info(const char *path, FILE *out)
{
    static const char *const here[] = { ".", NULL };
    EIN_FREE char *absolute = realpath(path, NULL);
    struct ein_error err = { 0 };
    struct plugin *plugin;
    int r = plugin_open(here, absolute ? absolute : path, &plugin, &err);

    if (r < 0)
        return server_say(&err);
    (void)fprintf(out,
                  "name       %s\nversion    %s\nsummary    %s\nABI        %u.%u\nfile       %s\n",
                  plugin->about.name, plugin->about.version, plugin->about.summary,
                  plugin->about.abi_major, plugin->about.abi_minor, plugin->path);
    (void)fprintf(out, "needs     ");
    for (const char *const *need = plugin->about.needs; need && *need; need++)
        (void)fprintf(out, " %s", *need);
    (void)fprintf(out, "\nsettings   %s\n",
                  plugin->about.config_schema ? plugin->about.config_schema : "none");
    plugin_close(plugin);
    return 0;
}

int server_backup(const struct server_setup *setup, const char *path)
{
    struct server *server = NULL;
    struct ein_error err = { 0 };
    int r = look(setup, &server);

    if (r < 0)
        return r;
    r = store_backup(server->rooms.store, path, &err);
    if (r == EIN_E_UNSUPPORTED)
        (void)error_set(&err, r,
                        "this storage is backed up with the tools of its database; einion export "
                        "works with every storage");
    if (r < 0)
        (void)server_say(&err);
    else
        (void)printf("%s: complete\n", path);
    return server_end(server, r);
}

/* ---- commands that work on what the store holds ---- */

/* What plugins tell of their starting is for a server's log. */
static void speak_softly(struct server *server)
{
    EIN_JSON json_t *log = json_copy((json_t *)config_section(server->config, "log"));
    struct ein_error err;

    if (log && json_object_set_new(log, "level", json_string("warn")) == 0)
        (void)log_reload(server->rooms.log, log, &err);
}

/* A server in which who offers `iface` has started, and all it needs; where a running server owns
 * the store, and that is enough, one that may look at it. */
static int start_for(const struct server_setup *setup, const char *iface, bool looking_is_enough,
                     struct server **ret_server)
{
    struct server *server = NULL;
    EIN_FREE char *faults = NULL;
    EIN_FREE char *look_faults = NULL;
    int r = server_new(setup, &server);

    if (r < 0)
        return r;
    speak_softly(server);
    r = lifecycle_start_for(server->lifecycle, server->config, iface, &faults);
    if (r == EIN_E_CONFLICT && looking_is_enough)
        r = lifecycle_look(server->lifecycle, server->config, &look_faults);
    if (r < 0)
        return server_end(server, server_say_faults(look_faults ? look_faults : faults, r));
    *ret_server = server;
    return 0;
}

static int acquire(struct server *server, const char *iface, const struct ein_service **ret_service,
                   struct ein_error *err)
{
    int r = services_acquire(server->rooms.services, iface, NULL, ret_service);

    return r < 0 ? error_set(err, r, "no enabled plugin offers %s", iface) : 0;
}

typedef int counting(void *impl, uint64_t *ret_count, struct ein_error *err);

/* What does something to many things, by a service that need not be able to. */
struct count_command {
    const char *iface;
    counting *(*find)(const void *vtable); /* NULL: it cannot */
    const char *before, *after;            /* the count of what it was done to */
};

static int run_count(const struct server_setup *setup, const struct count_command *command)
{
    struct server *server = NULL;
    const struct ein_service *service = NULL;
    struct ein_error err = { 0 };
    uint64_t count = 0;
    int r = start_for(setup, command->iface, true, &server);

    if (r < 0)
        return r;
    r = acquire(server, command->iface, &service, &err);
    counting *work = r == 0 ? command->find(service->vtable) : NULL;
    if (r == 0)
        r = work ? work(service->impl, &count, &err)
                 : error_set(&err, EIN_E_UNSUPPORTED, "the plugin that offers %s cannot do that",
                             command->iface);
    services_release(service);
    if (r < 0)
        (void)server_say(&err);
    else
        (void)printf("%s%llu%s\n", command->before, (unsigned long long)count, command->after);
    return server_end(server, r);
}

static counting *find_rotate(const void *vtable)
{
    const struct ein_vault *vault = vtable;

    return EIN_HAS(struct ein_vault, vault, rotate) ? vault->rotate : NULL;
}

int server_rotate_keys(const struct server_setup *setup)
{
    static const struct count_command rotate = { EIN_VAULT, find_rotate,
                                                 "a new master key has sealed ",
                                                 " secrets; the old one is gone" };

    return run_count(setup, &rotate);
}

static counting *find_verify(const void *vtable)
{
    const struct ein_audit *audit = vtable;

    return EIN_HAS(struct ein_audit, audit, verify) ? audit->verify : NULL;
}

int server_audit_verify(const struct server_setup *setup)
{
    static const struct count_command verify = { EIN_AUDIT, find_verify, "",
                                                 " entries, none changed, taken away or put in" };

    return run_count(setup, &verify);
}

static void print_report(const json_t *report)
{
    const json_t *line;
    size_t i;

    json_array_foreach(report, i, line)
    {
        (void)printf("%s\n", json_string_value(line));
    }
}

/* The methods of transfer/1 take a place and give a report. */
int server_transfer(const struct server_setup *setup, const char *place, bool is_import)
{
    struct server *server = NULL;
    const struct ein_service *service = NULL;
    EIN_JSON json_t *report = NULL;
    struct ein_error err = { 0 };
    int r = start_for(setup, EIN_TRANSFER, !is_import, &server);

    if (r < 0)
        return r;
    r = acquire(server, EIN_TRANSFER, &service, &err);
    if (r == 0 && !is_import)
        r = store_stand_still(server->rooms.store, &err);
    if (r == 0) {
        const struct ein_transfer *offered = service->vtable;

        r = (is_import ? offered->import_from : offered->export_to)(service->impl, place, &report,
                                                                    &err);
    }
    services_release(service);
    if (r < 0)
        (void)server_say(&err);
    print_report(report);
    return server_end(server, r);
}
