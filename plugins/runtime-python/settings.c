/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"
#include "error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const isolation_names[] = { [ISOLATION_BEST_EFFORT] = "best-effort",
                                        [ISOLATION_CONTAINER] = "container",
                                        [ISOLATION_STRICT] = "strict" };

#define LIMIT_SCHEMA(name, initial, smallest, largest, description)                                \
    ",\"" #name "\":{\"type\":\"integer\",\"default\":" #initial ",\"minimum\":" #smallest         \
    ",\"maximum\":" #largest ",\"description\":\"" description "\"}"

/* Without a default: what is left out is as for everybody. */
#define LAST_USER_LIMIT_SCHEMA(name, initial, smallest, largest, description)                      \
    "\"" #name "\":{\"type\":\"integer\",\"minimum\":" #smallest ",\"maximum\":" #largest          \
    ",\"description\":\"" description "\"}"
#define USER_LIMIT_SCHEMA(name, initial, smallest, largest, description)                           \
    LAST_USER_LIMIT_SCHEMA(name, initial, smallest, largest, description) ","

const char settings_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"isolation\":{\"type\":\"string\",\"enum\":[\"strict\",\"container\",\"best-effort\"],"
    "\"default\":\"strict\",\"description\":\"What must keep a run apart, or agents are off. "
    "container accepts what an ordinary container allows: no identity of its own for each run, no "
    "/tmp. best-effort also accepts that the system call filter alone keeps files away.\"},"
    "\"cgroup\":{\"type\":\"string\",\"default\":\"auto\",\"description\":\"Where each process "
    "gets a control group (version 2) that counts its memory and threads: auto is the server's own "
    "group, if it was delegated to it (Delegate= of systemd) and has the controllers memory and "
    "pids; a folder of the tree, which must be usable, or agents are off; off. Without one, "
    "resident "
    "memory is looked at four times a second.\"},"
    "\"python\":{\"type\":\"string\",\"default\":\"/usr/bin/python3\","
    "\"description\":\"The interpreter of agents.\"},"
    "\"venv\":{\"type\":\"string\",\"description\":\"The folder of a virtual environment, whose "
    "interpreter and packages agents have then. It is not below /tmp, every user can read it, and "
    "agents cannot write it.\"},"
    "\"undeclared\":{\"type\":\"string\",\"enum\":[\"refuse\",\"allow\"],\"default\":\"allow\","
    "\"description\":\"What an agent may call of a kind of which it declares nothing: models "
    "(invokableModels), MCP servers (tools), hosts (allowedHosts, and the servers of "
    "swaggerSpecs), "
    "namespaces (dataStoreConfig). Where it declares some, it may call these only, whatever is set "
    "here. allow is for agents that were written before anything was held to; all that they call "
    "is "
    "still held to egress, the user's allowance and the user's own data.\"},"
    "\"preload\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"default\":[],"
    "\"description\":\"Modules imported once, before the first fork.\"},"
    "\"users\":{\"type\":\"object\",\"default\":{},\"description\":\"Limits of single users, by "
    "their id: those of a run, lowered, and how many of them run and wait.\","
    "\"additionalProperties\":{\"type\":\"object\",\"properties\":{" RUN_LIMITS(USER_LIMIT_SCHEMA)
        USER_LIMITS(USER_LIMIT_SCHEMA, LAST_USER_LIMIT_SCHEMA) "}}}" RUN_LIMITS(LIMIT_SCHEMA)
            USER_LIMITS(LIMIT_SCHEMA, LIMIT_SCHEMA) SERVER_LIMITS(LIMIT_SCHEMA) "}}";

struct limit {
    const char *name;
    size_t offset;
    uint32_t initial, smallest, largest;
    enum { OF_RUN, OF_USER, OF_SERVER } of;
};

#define RUN_ROW(name, initial, smallest, largest, description)                                     \
    { #name, offsetof(struct limits, name), initial, smallest, largest, OF_RUN },
#define USER_ROW(name, initial, smallest, largest, description)                                    \
    { #name, offsetof(struct limits, name), initial, smallest, largest, OF_USER },
#define SERVER_ROW(name, initial, smallest, largest, description)                                  \
    { #name, offsetof(struct limits, name), initial, smallest, largest, OF_SERVER },

static const struct limit table[] = { RUN_LIMITS(RUN_ROW) USER_LIMITS(USER_ROW, USER_ROW)
                                          SERVER_LIMITS(SERVER_ROW) };

enum { LIMIT_COUNT = sizeof(table) / sizeof(table[0]) };

static uint32_t *member(struct limits *limits, const struct limit *limit)
{
    return (uint32_t *)((char *)limits + limit->offset);
}

static int read_limit(const json_t *config, const struct limit *limit, struct limits *limits,
                      struct ein_error *err)
{
    const json_t *value = json_object_get(config, limit->name);
    json_int_t number = value ? json_integer_value(value) : (json_int_t)limit->initial;

    if (number < (json_int_t)limit->smallest || number > (json_int_t)limit->largest)
        return error_set(err, EIN_E_INVALID, "%s must be from %u to %u", limit->name,
                         limit->smallest, limit->largest);
    *member(limits, limit) = (uint32_t)number;
    return 0;
}

static int read_isolation(const char *name, enum isolation *ret_isolation, struct ein_error *err)
{
    for (int i = ISOLATION_BEST_EFFORT; i <= ISOLATION_STRICT; i++) {
        if (strcmp(name, isolation_names[i]) == 0) {
            *ret_isolation = (enum isolation)i;
            return 0;
        }
    }
    return error_set(err, EIN_E_INVALID, "isolation is strict, container or best-effort, not %s",
                     name);
}

static int read_python(const json_t *config, struct settings *settings, struct ein_error *err)
{
    const char *python = json_string_value(json_object_get(config, "python"));
    const char *venv = json_string_value(json_object_get(config, "venv"));
    int len;

    if (venv)
        len = snprintf(settings->python, sizeof(settings->python), "%s/bin/python3", venv);
    else
        len = snprintf(settings->python, sizeof(settings->python), "%s",
                       python ? python : "/usr/bin/python3");
    if (len >= (int)sizeof(settings->python))
        return error_set(err, EIN_E_INVALID, "the path of the interpreter is too long");
    if (venv && strncmp(venv, "/tmp/", 5) == 0)
        return error_set(err, EIN_E_INVALID,
                         "venv: %s: agents have a /tmp of their own, so they would not see it",
                         venv);
    if (venv && access(settings->python, X_OK) < 0)
        return error_set(err, EIN_E_INVALID, "venv: %s: %s", settings->python, strerror(errno));
    return 0;
}

static int read_cgroup(const json_t *config, const char **ret_cgroup, struct ein_error *err)
{
    const char *cgroup = json_string_value(json_object_get(config, "cgroup"));

    if (cgroup && *cgroup != '/' && strcmp(cgroup, "auto") != 0 && strcmp(cgroup, "off") != 0)
        return error_set(err, EIN_E_INVALID, "cgroup is auto, off or a folder, not %s", cgroup);
    *ret_cgroup = cgroup ? cgroup : "auto";
    return 0;
}

int settings_read(const struct json_t *config, struct settings *ret_settings, struct ein_error *err)
{
    struct settings settings = { .isolation = ISOLATION_STRICT };
    const char *isolation = json_string_value(json_object_get(config, "isolation"));
    const char *undeclared = json_string_value(json_object_get(config, "undeclared"));
    int r = 0;

    for (size_t i = 0; i < LIMIT_COUNT && r == 0; i++)
        r = read_limit(config, &table[i], &settings.limits, err);
    if (r == 0 && isolation)
        r = read_isolation(isolation, &settings.isolation, err);
    if (r == 0)
        r = read_cgroup(config, &settings.cgroup, err);
    if (r == 0)
        r = read_python(config, &settings, err);
    if (r < 0)
        return r;
    settings.refuses_undeclared = undeclared && strcmp(undeclared, "refuse") == 0;
    settings.preload = json_object_get(config, "preload");
    settings.users = json_object_get(config, "users");
    *ret_settings = settings;
    return 0;
}

struct limits limits_lowered(const struct limits *base, const struct json_t *wanted)
{
    struct limits limits = *base;

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        const json_t *value = json_object_get(wanted, table[i].name);
        uint32_t *now = member(&limits, &table[i]);
        if (table[i].of != OF_RUN || !json_is_integer(value))
            continue;
        json_int_t number = json_integer_value(value);
        if (number >= (json_int_t)table[i].smallest && number < (json_int_t)*now)
            *now = (uint32_t)number;
    }
    return limits;
}

struct limits limits_of_user(const struct settings *settings, const char *user)
{
    const json_t *own = json_object_get(settings->users, user);
    struct limits limits = limits_lowered(&settings->limits, own);

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        const json_t *value = json_object_get(own, table[i].name);
        if (table[i].of == OF_USER && json_is_integer(value))
            *member(&limits, &table[i]) = (uint32_t)json_integer_value(value);
    }
    return limits;
}
