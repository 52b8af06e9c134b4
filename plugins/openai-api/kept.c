/* SPDX-License-Identifier: Apache-2.0 */
/* An Idempotency-Key: the text that answered a call is kept, and sent again to who asks again. */
#include "openai_api.h"

#include "cleanup.h"

static int refuse(const struct openai_api *api, struct ein_req *req, const struct ein_error *err)
{
    const bool runs = err->code == EIN_E_CONFLICT;
    const struct wrong wrong = { .status = runs ? 409 : 400, .text = err->text };

    if (!runs && err->code != EIN_E_INVALID)
        return api->host->http->fail_error(req, err);
    if (runs)
        (void)api->host->http->set_header(req, "Retry-After", "1");
    return fail_with(api, req, &wrong);
}

static int send_again(const struct openai_api *api, struct ein_req *req, const json_t *outcome)
{
    static const struct wrong too_long = {
        .status = 400,
        .text = "The answer to the first request with this Idempotency-Key was too long to be kept "
                "(plugins.openai-api.idempotency_bytes)."
    };
    const struct ein_http *http = api->host->http;
    const json_t *text = json_object_get(outcome, "text");
    const char *bytes = json_string_value(text);
    size_t len = json_string_length(text);

    if (!bytes)
        return fail_with(api, req, &too_long);
    if (once_tell(http, req) < 0)
        return EIN_E_NO_MEMORY;
    return json_is_true(json_object_get(outcome, "streams"))
               ? http->send_bytes(req, bytes, len)
               : http->reply_bytes(req, 200, "application/json", bytes, len);
}

bool kept_before(const struct openai_api *api, struct ein_req *req, struct once *once,
                 const char *name, int *ret_status)
{
    const struct ein_http *http = api->host->http;
    EIN_JSON json_t *kept = NULL;
    struct ein_error err;
    int r = once_begin(once, http->identity(req)->uid, name, http->header(req, "Idempotency-Key"),
                       &kept, &err);

    if (r == 0)
        return false;
    *ret_status =
        r < 0 ? refuse(api, req, &err) : send_again(api, req, json_object_get(kept, "outcome"));
    return true;
}

void kept_end(const struct openai_api *api, struct once *once, const struct out *text, bool streams)
{
    json_t *whole = text->failed || text->len > api->kept_max
                        ? NULL
                        : json_stringn(text->data ? text->data : "", text->len);
    EIN_JSON json_t *outcome =
        json_pack("{s:o, s:b}", "text", whole ? whole : json_null(), "streams", streams);

    /* Without memory the key stays taken: a second call would cost a second time. */
    if (outcome)
        once_end(once, outcome);
}
