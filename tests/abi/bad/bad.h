/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* A plugin that is well but for one thing: each file says which. */
static inline int bad_init(const struct ein_host *host, struct ein_ctx *ctx,
                           const struct json_t *config, void **ret_self, struct ein_error *err)
{
    (void)host, (void)ctx, (void)config, (void)err;
    *ret_self = NULL;
    return 0;
}

static inline void bad_fini(void *self)
{
    (void)self;
}

static inline int bad_answer(struct ein_req *req, void *self)
{
    const struct ein_host *host = self;

    return host->http->reply(req, 200, json_object());
}

#define BAD_ROUTE(method_, path_, id)                                                              \
    {                                                                                              \
        .method = (method_), .path = (path_), .operation_id = (id), .summary = "Answers",          \
        .status = 200, .handle = bad_answer                                                        \
    }

/* The initialisers of a good descriptor; those that follow replace them. */
#define BAD_PLUGIN(name_)                                                                          \
    EIN_PLUGIN_HEADER, .name = (name_), .version = "1.0", .summary = "Is refused",                 \
                       .init = bad_init, .fini = bad_fini
