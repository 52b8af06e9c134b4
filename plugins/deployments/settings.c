/* SPDX-License-Identifier: Apache-2.0 */
/* GET and PUT /agents/{agent_id}/deployment/settings */
#include "agent_doc.h"
#include "cleanup.h"
#include "deployments.h"
#include "http_json.h"
#include "member.h"
#include "served.h"

/* The members of the API, in its order; null where nothing is set.  NULL: no memory. */
static json_t *show(const json_t *settings)
{
    static const char *const first[] = { "concurrency", "queue", "scope" };
    EIN_JSON json_t *shown = json_object();
    int r = 0;

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        r |= copy_member(shown, settings, first[i]);
    for (const struct served_limit *row = served_limits; row->setting; row++)
        r |= copy_member(shown, settings, row->setting);
    return r ? NULL : EIN_TAKE(shown);
}

/* The agent of the path has to be the caller's to read, or to change. */
static int read_settings(const struct deployments *self, const struct ein_req *req, const char *id,
                         json_t **ret_settings, struct ein_error *err)
{
    EIN_JSON json_t *agent = NULL;
    int r = agent_get(self->host, self->ctx, req, id, &agent, err);

    return r < 0 ? r : served_settings(self->host, self->ctx, id, ret_settings, err);
}

int deployments_settings_get(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;
    const struct ein_http *http = deployments->host->http;
    EIN_JSON json_t *settings = NULL;
    struct ein_error err;
    int r = read_settings(deployments, req, http->path_param(req, "agent_id"), &settings, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    if (!settings)
        return http->reply(req, 200, show(NULL));
    return reply_with_rev(http, req, 200, text_of(settings, "_rev"), show(settings));
}

static int try_put(struct ein_req *req, void *data, struct ein_error *err)
{
    const struct deployments *self = data;
    const struct ein_http *http = self->host->http;
    const char *id = http->path_param(req, "agent_id");
    EIN_JSON json_t *before = NULL;
    EIN_JSON json_t *shown = show(http->body(req));
    char rev[EIN_REV_SIZE];
    int r = read_settings(self, req, id, &before, err);

    if (r < 0)
        return http->fail_error(req, err);
    r = check_rev(http, req, text_of(before, "_rev"));
    if (r)
        return r;
    r = shown ? self->host->store->put(self->ctx, SETTINGS_SET, id,
                                       before ? text_of(before, "_rev") : EIN_REV_NEW, shown, rev,
                                       err)
              : EIN_E_NO_MEMORY;
    if (r == EIN_E_CONFLICT || r == EIN_E_NO_MEMORY)
        return r;
    return r < 0 ? http->fail_error(req, err)
                 : reply_with_rev(http, req, 200, rev, EIN_TAKE(shown));
}

int deployments_settings_put(struct ein_req *req, void *self)
{
    const struct deployments *deployments = self;

    return change_until_done(deployments->host->http, req, self, try_put);
}
