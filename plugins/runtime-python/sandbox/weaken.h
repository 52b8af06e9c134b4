/* SPDX-License-Identifier: Apache-2.0 */
/* Only for tests: leaves out single layers, to see that each holds something that the others
 * do not, and makes single steps fail, to see that none of them is forgotten.  Nothing but
 * tests/sandbox/weakened is built with it; all that is installed has every layer, and no way
 * to ask for less. */
#pragma once

#include <stdbool.h>

#ifdef EIN_SANDBOX_WEAKENED

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WEAKEN_WITHOUT "EINION_SANDBOX_WITHOUT" /* ",seccomp,landlock,": these layers */
#define WEAKEN_FAIL    "EINION_SANDBOX_FAIL"    /* ",uid,": this step */

static inline bool weaken_names(const char *variable, const char *name)
{
    const char *list = getenv(variable);
    char wanted[64];

    snprintf(wanted, sizeof(wanted), ",%s,", name);
    return list && strstr(list, wanted);
}

static inline bool left_out(const char *layer)
{
    return weaken_names(WEAKEN_WITHOUT, layer);
}

static inline bool step_fails(const char *step)
{
    return weaken_names(WEAKEN_FAIL, step);
}

/* The first three times that it is asked. */
static inline bool step_fails_at_first(const char *step)
{
    static int asked;

    return asked++ < 3 && step_fails(step);
}

static inline bool is_weakened(void)
{
    return getenv(WEAKEN_WITHOUT);
}

/* The clean environment and what is said in ours, or all of ours.  Called once in a process. */
static inline char *const *weaken_environment(char *const *clean)
{
    static char *mixed[16], said[2][1024];
    const char *const names[] = { WEAKEN_WITHOUT, WEAKEN_FAIL };
    size_t count = 0;

    if (left_out("clean environment"))
        return environ;
    while (clean[count] && count < 12) {
        mixed[count] = clean[count];
        count++;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!getenv(names[i]))
            continue;
        snprintf(said[i], sizeof(said[i]), "%s=%s", names[i], getenv(names[i]));
        mixed[count++] = said[i];
    }
    mixed[count] = NULL;
    return mixed;
}

#else

static inline char *const *weaken_environment(char *const *clean)
{
    return clean;
}

static inline bool left_out(const char *layer)
{
    (void)layer;
    return false;
}

static inline bool step_fails(const char *step)
{
    (void)step;
    return false;
}

static inline bool step_fails_at_first(const char *step)
{
    (void)step;
    return false;
}

static inline bool is_weakened(void)
{
    return false;
}

#endif
