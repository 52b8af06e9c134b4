/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "error.h"

/* The end of init(): the instance is handed over, or undone where R says that it has failed. */
static inline int init_done(int r, void *self, void (*fini)(void *self), void **ret_self)
{
    if (r < 0) {
        fini(self);
        return r;
    }
    *ret_self = self;
    return 0;
}
