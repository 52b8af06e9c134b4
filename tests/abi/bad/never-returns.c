/* SPDX-License-Identifier: Apache-2.0 */
/* Its handler and its job do not come back, whatever they are told; or its stop(), for a second and
 * a half. */
#include "bad.h"
#include <semaphore.h>
#include <unistd.h>

struct never {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    int slow;
    sem_t begun; /* the job, which would else be dropped by a stop */
};

static void never_return(void *data)
{
    (void)data;
    for (;;)
        (void)pause();
}

static int call(struct ein_req *req, void *self)
{
    (void)req;
    never_return(self);
    return 0;
}

static void run_job(void *data)
{
    (void)sem_post(&((struct never *)data)->begun);
    never_return(data);
}

static int job(struct ein_req *req, void *self)
{
    struct never *never = self;

    if (never->host->submit(never->ctx, run_job, NULL, never) < 0)
        return EIN_E_UNAVAILABLE;
    while (sem_wait(&never->begun) < 0)
        ;
    return never->host->http->reply(req, 200, json_object());
}

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/never-returns/call",
      .operation_id = "never_call",
      .summary = "Never answers",
      .status = 200,
      .handle = call },
    { .method = "POST",
      .path = "/never-returns/job",
      .operation_id = "never_job",
      .summary = "Begins what never ends",
      .status = 200,
      .handle = job },
};

static int never_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                      void **ret_self, struct ein_error *err)
{
    static struct never never;

    never = (struct never){ .host = host,
                            .ctx = ctx,
                            .slow = json_is_true(json_object_get(config, "slow")) };
    (void)sem_init(&never.begun, 0, 0);
    *ret_self = &never;
    return host->http->add_routes(ctx, routes, sizeof routes / sizeof routes[0], sizeof routes[0],
                                  *ret_self, err);
}

static void never_stop(void *self)
{
    if (((struct never *)self)->slow)
        (void)usleep(1500000);
}

static const struct ein_plugin plugin = {
    BAD_PLUGIN("never-returns"), .init = never_init, .stop = never_stop,
    .config_schema = "{\"properties\":{\"slow\":{\"type\":\"boolean\",\"default\":false}}}"
};

EIN_PLUGIN_EXPORT(plugin)
