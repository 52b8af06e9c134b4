/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"

/* The name in vault/1 of a user's key for a provider. */
static inline void model_key_name(char *name, size_t size, const char *uid, const char *provider)
{
    struct buf out;

    buf_init_in(&out, name, size, size - 1);
    (void)buf_text(&out, "model_key/");
    (void)buf_text(&out, uid);
    (void)buf_char(&out, '/');
    (void)buf_text(&out, provider);
}
