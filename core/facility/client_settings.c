/* SPDX-License-Identifier: Apache-2.0 */
#include "client_settings.h"

#include "client_trust.h"
#include "egress.h"
#include "error.h"
#include "member.h"
#include "str.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

void client_settings_free(struct client_settings *settings)
{
    if (!settings)
        return;
    egress_free(settings->egress);
    free(settings->proxy);
    free(settings->no_proxy);
    trust_free(settings->trust);
    json_decref(settings->traced);
    free(settings);
}

/* Ranges and defaults are config_schema.json's. */
static int read_number(const json_t *section, const char *name, uint64_t *ret_number,
                       struct ein_error *err)
{
    json_int_t value = integer_of(section, name);

    if (value <= 0)
        return error_set(err, EIN_E_INVALID, "egress.%s: not a number above 0", name);
    *ret_number = (uint64_t)value;
    return 0;
}

static int read_u32(const json_t *section, const char *name, uint32_t *ret_number,
                    struct ein_error *err)
{
    uint64_t number = 0;
    int r = read_number(section, name, &number, err);

    if (r == 0)
        *ret_number = number > INT32_MAX ? INT32_MAX : (uint32_t)number;
    return r;
}

static int read_limits(struct client_settings *settings, const json_t *section,
                       struct ein_error *err)
{
    const struct {
        const char *name;
        uint32_t *to;
    } numbers[] = {
        { "connect_ms", &settings->connect_ms },
        { "first_byte_ms", &settings->first_byte_ms },
        { "idle_ms", &settings->idle_ms },
        { "total_ms", &settings->total_ms },
        { "linger_ms", &settings->linger_ms },
        { "finish_ms", &settings->finish_ms },
        { "connections", &settings->lines.connections },
        { "idle_connections", &settings->lines.idle },
        { "idle_connection_ms", &settings->lines.idle_ms },
    };
    int r = read_number(section, "max_bytes", &settings->max_bytes, err);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && r == 0; i++)
        r = read_u32(section, numbers[i].name, numbers[i].to, err);
    return r;
}

static int read_trust(struct client_settings *settings, const json_t *section,
                      struct ein_error *err)
{
    const char *path = text_of(section, "ca_file");

    if (!path || !*path)
        return trust_new(NULL, &settings->trust, err);
    if (access(path, R_OK) < 0)
        return error_set(err, EIN_E_INVALID, "egress.ca_file: %s: %s", path,
                         strerrordesc_np(errno));
    return trust_new(path, &settings->trust, err);
}

int client_settings_load(const json_t *section, const char *listen_host, uint16_t listen_port,
                         struct client_settings **ret_settings, struct ein_error *err)
{
    const char *proxy = text_of(section, "proxy"), *no_proxy = text_of(section, "no_proxy");
    struct client_settings *settings = calloc(1, sizeof(*settings));
    int r;

    if (!settings)
        return error_no_memory(err);
    settings->users = 1;
    settings->proxy = proxy && *proxy ? strdup(proxy) : NULL;
    settings->no_proxy = no_proxy ? strdup(no_proxy) : NULL;
    settings->traced = json_incref(json_object_get(section, "traceparent"));
    r = read_limits(settings, section, err);
    if (r == 0)
        r = egress_new(section, listen_host, listen_port, &settings->egress, err);
    if (r == 0)
        r = read_trust(settings, section, err);
    if (r == 0 && ((proxy && *proxy && !settings->proxy) || (no_proxy && !settings->no_proxy)))
        r = error_no_memory(err);
    if (r < 0) {
        client_settings_free(settings);
        return r;
    }
    *ret_settings = settings;
    return 0;
}

bool client_settings_traced(const struct client_settings *settings, const char *host)
{
    json_t *pattern;
    size_t i;

    json_array_foreach(settings->traced, i, pattern)
    {
        const char *text = json_string_value(pattern);

        if (str_eq(text, "*") || egress_is_host(text, host))
            return true;
    }
    return false;
}
