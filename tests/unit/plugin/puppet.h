/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* What puppet plugins offer, whatever interface their settings name. */
struct puppet_api {
    uint32_t struct_size, reserved;
    int (*greet)(void *impl); /* 42 while it is alive */
    void *(*ctx)(void *impl);
    const char *(*secret)(void *impl, const char *name);
    void (*unready)(void *impl, const char *reason);
    int (*publish_late)(void *impl);
    int (*submit)(void *impl, void (*run)(void *data), void *data);
};
