/* SPDX-License-Identifier: Apache-2.0 */
/* A request is let in once, and may go on for hours: a stream, a run, an agent that waits. */
#include "stay.h"
#include "cleanup.h"
#include "clock.h"
#include "http_inside.h"
#include "log.h"
#include "member.h"
#include "services.h"
#include "watch.h"
#include <einion/services.h>

int stay_check_blocked(struct http *http, const char *uid, struct ein_error *err)
{
    const struct ein_service *service;

    if (!uid || services_acquire(http->services, EIN_BLOCKS, NULL, &service) < 0)
        return 0;
    int r = ((const struct ein_blocks *)service->vtable)->check(service->impl, uid, err);
    services_release(service);
    return r;
}

struct asking {
    const json_t *claims;
    struct ein_error err;
};

/* Only a no counts: a store that is out of order ends nothing. */
static int ask(const struct ein_service *service, void *data)
{
    const struct ein_auth_provider *provider = service->vtable;
    struct asking *asking = data;

    if (!EIN_HAS(struct ein_auth_provider, provider, still))
        return 0;
    int r = provider->still(service->impl, asking->claims, &asking->err);
    return r == EIN_E_DENIED ? r : 0;
}

static void end(struct http *http, const json_t *claims, const struct ein_error *why)
{
    if (watch_fire_claims(http->watch, claims))
        log_write(http->log, EIN_INFO, "server", NULL, "what %s had going on has been ended: %s",
                  text_of(claims, "uid"), why->text);
}

void stay_look(void *data)
{
    struct http *http = data;
    int64_t recheck_ms = INT64_C(1000) * http_settings(http)->limits.recheck_s;
    EIN_JSON json_t *all = json_array();
    EIN_JSON json_t *due = json_array();
    struct asking asking;
    const json_t *claims;
    size_t i;

    watch_claims(http->watch, clock_mono_ms() - recheck_ms, all, due);
    json_array_foreach(all, i, claims)
    {
        if (stay_check_blocked(http, text_of(claims, "uid"), &asking.err) == EIN_E_DENIED)
            end(http, claims, &asking.err);
    }
    json_array_foreach(due, i, claims)
    {
        asking.claims = claims;
        if (services_each(http->services, EIN_AUTH_PROVIDER, ask, &asking) == EIN_E_DENIED)
            end(http, claims, &asking.err);
    }
}
