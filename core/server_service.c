/* SPDX-License-Identifier: Apache-2.0 */
#include "server_service.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "lifecycle.h"
#include "metrics.h"
#include "once.h"
#include "openapi.h"
#include "services.h"

static int status(void *impl, struct json_t **ret_status, struct ein_error *err)
{
    struct server_service *self = impl;
    bool well = false;
    json_t *plugins = lifecycle_status(self->lifecycle, &well);
    const char *word = __atomic_load_n(&self->draining, __ATOMIC_RELAXED) ? "draining"
                       : well                                             ? "ready"
                                                                          : "degraded";
    json_t *result =
        json_pack("{s:s, s:s, s:I, s:o*}", "status", word, "version", EIN_VERSION, "uptime_ms",
                  (json_int_t)(clock_mono_ms() - self->started_ms), "plugins", plugins);

    if (!result)
        return error_no_memory(err);
    *ret_status = result;
    return 0;
}

static int document(void *impl, struct json_t **ret_document, struct ein_error *err)
{
    const struct server_service *self = impl;

    return openapi_document(self->openapi, ret_document, err);
}

static int document_for(void *impl, struct ein_req *req, struct json_t **ret_document,
                        struct ein_error *err)
{
    EIN_JSON json_t *shared = NULL;
    int r = document(impl, &shared, err);

    return r < 0 ? r : openapi_extend(req, shared, ret_document, err);
}

static int metrics(void *impl, char **ret_text, struct ein_error *err)
{
    const struct server_service *self = impl;

    return metrics_text(self->metrics, ret_text, err);
}

static int each_metric(void *impl, int (*visit)(const struct ein_metric *metric, void *data),
                       void *data)
{
    const struct server_service *self = impl;

    return metrics_each(self->metrics, visit, data);
}

static const struct ein_server vtable = {
    .struct_size = sizeof(vtable),
    .status = status,
    .openapi = document,
    .metrics = metrics,
    .openapi_for = document_for,
    .each_metric = each_metric,
};

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct server_service *self = impl;
    int r = once_erase(self->store, uid, err);

    *ret_count = r > 0 ? (uint64_t)r : 0;
    return r < 0 ? r : 0;
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

int server_service_publish(struct server_service *self, struct services *services,
                           struct ein_error *err)
{
    int r;

    gate_init(&self->gate);
    gate_open(&self->gate);
    r = services_publish(services, &self->gate, EIN_SERVER, "core", &vtable, self, err);
    return r < 0 ? r
                 : services_publish(services, &self->gate, EIN_ERASURE, "answers", &erasure, self,
                                    err);
}
