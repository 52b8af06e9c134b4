/* SPDX-License-Identifier: Apache-2.0 */
#include "denial.h"
#include "http_inside.h"
#include "member.h"
#include "request.h"
#include "services.h"
#include <einion/services.h>

/* NULL: this reply is no refusal. */
static const char *action_of(const struct ein_req *req)
{
    if (req->reply.status == 429 && req->wrong_login)
        return "too_many_wrong_logins";
    if (req->wrong_login)
        return "wrong_login";
    return req->reply.status == 403 ? "denied" : NULL;
}

static json_t *event_of(const struct ein_req *req, const char *action, uint32_t left_out)
{
    const char *addr = request_client_addr(req);

    return json_pack(
        "{s:s, s:s*, s:o, s:s*, s:s, s:{s:i, s:s, s:s*, s:i}}", "action", action, "actor",
        req->identity ? req->identity->uid : NULL, "target",
        json_sprintf("%s %s", request_method(req), request_path(req)), "address", addr, "outcome",
        "denied", "details", "status", req->reply.status, "requestId", request_id(req), "keyId",
        req->identity ? text_of(req->identity->claims, "keyId") : NULL, "leftOut", (int)left_out);
}

void denial_tell(const struct ein_req *req)
{
    const char *action = action_of(req);
    const struct ein_service *service;
    const struct ein_audit *audit;
    struct ein_error err = { 0 };
    uint32_t left_out;
    json_t *event;

    if (!action || services_acquire(req->http->services, EIN_AUDIT, NULL, &service) < 0)
        return;
    audit = service->vtable;
    if (trickle_may_keep(&req->http->denials, &left_out)) {
        event = event_of(req, action, left_out);
        if (!event || audit->append(service->impl, event, &err) < 0)
            request_log(req, EIN_WARN, "a refusal is missing in the audit: %s", err.text);
    }
    services_release(service);
}
