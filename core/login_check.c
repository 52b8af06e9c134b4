/* SPDX-License-Identifier: Apache-2.0 */
#include "login_check.h"
#include "auth.h"
#include "config.h"
#include "error.h"
#include "listen_at.h"
#include "local.h"
#include "member.h"
#include "services.h"
#include "str.h"
#include <einion/services.h>
#include <stdio.h>
#include <string.h>

enum { ADMIN_PASSWORD_MIN = 8 }; /* characters, where other machines may try */

static const char dev_stub[] = "auth-dev-stub";
static const char dev_stub_words[] = "anybody_on_the_network_may_log_in_as_anybody";
static const char firebase[] = "auth-firebase";

/* What is tried first. */
static const char *const obvious_passwords[] = {
    "password", "password1", "password123", "admin",      "admin123", "administrator",
    "changeme", "change-me", "letmein",     "secret",     "default",  "12345678",
    "gofannon", "einion",    "test1234",    "adminadmin", NULL,
};

static const json_t *http_setting(const struct config *config, const char *name)
{
    return json_object_get(config_section(config, "http"), name);
}

/* A public URL of this machine's own is one for trying things out. */
static bool has_public_name(const struct config *config)
{
    static const char *const nobody[] = { NULL };
    const char *url = json_string_value(http_setting(config, "public_url"));
    const char *host = url ? strstr(url, "://") : NULL;
    char name[256];

    if (!host)
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(host + 3, "/"), host + 3);
    return !local_is_host(name, nobody);
}

static bool is_behind_proxy(const struct config *config)
{
    return json_array_size(http_setting(config, "trusted_proxies")) > 0 || has_public_name(config);
}

static bool is_reachable(const struct login_facts *facts)
{
    return !listen_at_is_loopback(facts->listen) || is_behind_proxy(facts->config);
}

static bool wants_login(const struct config *config)
{
    const char *env = text_of(config_json(config), "env");

    return json_object_size(config_section(config, "auth")) > 0 || str_eq(env, "firebase");
}

static int check_provider(const struct login_facts *facts, struct ein_error *err)
{
    if (facts->has_provider)
        return 0;
    if (wants_login(facts->config))
        return error_set(err, EIN_E_INVALID,
                         "the configuration asks for logins (auth, AUTH_CONFIG_PATH or "
                         "APP_ENV=firebase), but no enabled plugin offers " EIN_AUTH_PROVIDER);
    if (!listen_at_is_loopback(facts->listen))
        return error_set(err, EIN_E_DENIED,
                         "listen.address is reachable from other machines, and no login is "
                         "configured: write a section auth, or listen on 127.0.0.1");
    if (is_behind_proxy(facts->config))
        return error_set(err, EIN_E_DENIED,
                         "http.public_url or http.trusted_proxies put the server on a network, and "
                         "no login is configured: write a section auth, or leave them out");
    return 0;
}

/* The enabled plugin of this name, or NULL. */
static const json_t *find_plugin(const struct config *config, const char *name)
{
    const json_t *plugin;
    size_t i;

    json_array_foreach(json_object_get(config_json(config), "plugins"), i, plugin)
    {
        const char *file = text_of(plugin, "plugin");

        if (file && strstr(file, name) && json_is_true(json_object_get(plugin, "enabled")))
            return plugin;
    }
    return NULL;
}

bool login_is_open(const struct config *config)
{
    return find_plugin(config, dev_stub) != NULL;
}

static int check_dev_stub(const struct config *config, struct ein_error *err)
{
    const json_t *settings = json_object_get(find_plugin(config, dev_stub), "settings");

    if (!settings || json_is_true(json_object_get(settings, dev_stub_words)))
        return 0;
    return error_set(err, EIN_E_DENIED,
                     "%s lets whoever comes be any of its users, and other machines can reach this "
                     "server: use another provider, or set its %s",
                     dev_stub, dev_stub_words);
}

/* It takes unsigned tokens from this machine, and so from whatever forwards here what others send.
 */
static int check_emulator(const struct config *config, struct ein_error *err)
{
    const json_t *settings = json_object_get(find_plugin(config, firebase), "settings");

    if (!json_is_true(json_object_get(settings, "emulator")))
        return 0;
    return error_set(
        err, EIN_E_DENIED,
        "the emulator of %s lets whoever comes be anybody, and other machines can reach "
        "this server: take its setting emulator out",
        firebase);
}

static bool is_obvious(const char *password)
{
    for (const char *const *it = obvious_passwords; *it; it++)
        if (str_eq_case(*it, password))
            return true;
    return strlen(password) < ADMIN_PASSWORD_MIN;
}

static int check_password(const char *password, struct ein_error *err)
{
    if (!password || !is_obvious(password))
        return 0;
    return error_set(err, EIN_E_DENIED,
                     "ADMIN_PANEL_PASSWORD is one that is tried first, or shorter than %d "
                     "characters, and other machines can reach this server: choose another",
                     ADMIN_PASSWORD_MIN);
}

int login_check(const struct login_facts *facts, struct ein_error *err)
{
    int r = check_provider(facts, err);

    if (r < 0 || !is_reachable(facts))
        return r;
    r = check_dev_stub(facts->config, err);
    if (r == 0)
        r = check_emulator(facts->config, err);
    return r < 0 ? r : check_password(facts->admin_password, err);
}

struct naming {
    char *out;
    size_t size, len;
};

static int add_name(const struct ein_service *service, void *data)
{
    struct naming *naming = data;
    int more;

    if (!auth_is_login(service->vtable))
        return 0;
    more = snprintf(naming->out + naming->len, naming->size - naming->len, "%s%s",
                    naming->len > 0 ? ", " : "", service->name);

    if (more > 0 && (size_t)more < naming->size - naming->len)
        naming->len += (size_t)more;
    return 0;
}

void login_names(struct services *services, char *out, size_t size)
{
    struct naming naming = { out, size, 0 };

    *out = '\0';
    (void)services_each(services, EIN_AUTH_PROVIDER, add_name, &naming);
}
