/* SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "cleanup.h"
#include "error.h"
#include "sandbox/protocol.h"
#include "sandbox/weaken.h"

#include <stdio.h>
#include <string.h>

enum { LANDLOCK_TRUNCATE = 3 /* the first ABI that keeps files from being emptied */ };

static void copy_text(const json_t *hello, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(hello, name));

    snprintf(to, size, "%s", text ? text : "");
}

/* Each barrier has providers, best first; seccomp is behind every one of them. */
static void choose_barriers(struct level *level)
{
    bool namespaces = level->house & HOUSE_NAMESPACES;

    level->network = namespaces ? "network namespace" : "seccomp";
    level->processes = "seccomp";
    level->identity = "shared";
    if (level->house & HOUSE_UIDS) {
        level->layers |= LAYER_UID;
        level->identity = level->processes = "uid";
    } else if (namespaces) {
        level->layers |= LAYER_USER;
        level->identity = "user namespace";
    }
    if (namespaces) {
        level->layers |= LAYER_PIDS;
        level->processes = "pid namespace";
    }

    level->files = "seccomp";
    if (level->landlock >= LANDLOCK_TRUNCATE) {
        level->layers |= LAYER_LANDLOCK;
        level->files = "landlock";
    }
    if (level->house & HOUSE_ROOT) {
        level->layers |= LAYER_TMP | (level->landlock ? (uint32_t)LAYER_LANDLOCK : 0);
        level->files = "read-only root";
    }
    if (strcmp(level->files, "seccomp") == 0)
        level->layers |= LAYER_NO_FILES;
}

static void judge(struct level *level)
{
    if (level->layers & LAYER_NO_FILES)
        level->reached = ISOLATION_BEST_EFFORT;
    else if (strcmp(level->identity, "shared") == 0)
        level->reached = ISOLATION_CONTAINER;
    else
        level->reached = ISOLATION_STRICT;
}

static void leave_out(struct level *level)
{
    static const struct {
        const char *name;
        uint32_t layers;
    } optional[] = {
        { "pid namespace", LAYER_PIDS },
        { "tmpfs", LAYER_TMP },
        { "identity", LAYER_UID | LAYER_USER },
        { "landlock", LAYER_LANDLOCK },
    };

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        if (left_out(optional[i].name))
            level->layers &= ~optional[i].layers;
}

int level_decide(const char *hello, size_t len, enum isolation required, struct level *ret_level,
                 struct ein_error *err)
{
    EIN_JSON json_t *said = json_loadb(hello, len, 0, NULL);
    struct level level = { .memory = "resident size", .threads = "rlimit" };

    if (!said)
        return error_set(err, EIN_E_UNAVAILABLE, "the zygote's hello is not JSON");
    if (json_integer_value(json_object_get(said, "threads")) != 1)
        return error_set(
            err, EIN_E_UNAVAILABLE,
            "a preloaded module started threads: such an interpreter cannot be forked");
    level.house = (uint32_t)json_integer_value(json_object_get(said, "house"));
    level.landlock = (int)json_integer_value(json_object_get(said, "landlock"));
    copy_text(said, "python", level.python, sizeof(level.python));
    copy_text(said, "httpx", level.httpx, sizeof(level.httpx));
    copy_text(said, "missing", level.missing, sizeof(level.missing));

    choose_barriers(&level);
    judge(&level);
    leave_out(&level);
    if (level.layers & LAYER_NO_FILES && !*level.missing)
        snprintf(level.missing, sizeof(level.missing), "landlock: not in this kernel");
    if (level.reached < required && !is_weakened())
        return error_set(
            err, EIN_E_UNAVAILABLE,
            "isolation %s cannot be reached here, only %s (%.60s%s): let the server do "
            "it, see the guide, or accept %s as plugins.runtime-python.isolation; "
            "nothing turns it off",
            isolation_names[required], isolation_names[level.reached], level.missing,
            level.layers & LAYER_NO_FILES ? "; landlock" : "", isolation_names[level.reached]);
    memcpy(level.no_cgroup, ret_level->no_cgroup, sizeof(level.no_cgroup));
    *ret_level = level;
    return 0;
}
