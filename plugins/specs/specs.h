/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "read.h"
#include "recall.h"

#include <einion/services.h>

struct specs {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct spec_limits limits;
    uint32_t total_ms;
    uint32_t redirects_max;
    struct recall recall;
};

/* POST /specs/fetch, POST /specs/operations */
int specs_fetch_post(struct ein_req *req, void *self);
int specs_operations_post(struct ein_req *req, void *self);

/* struct ein_specs.read */
int specs_read(void *impl, const char *text, size_t len, const char *base_url, uint32_t max,
               json_t **ret_spec, struct ein_error *err);
