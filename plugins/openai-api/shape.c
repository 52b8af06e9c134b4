/* SPDX-License-Identifier: Apache-2.0 */
#include "openai_api.h"

#include "bearer.h"
#include "cleanup.h"

#include <string.h>

bool is_anthropic(const struct ein_http *http, const struct ein_req *req)
{
    const char *path = http->path(req);
    size_t len = sizeof(ANTHROPIC_PATH) - 1;

    if (strncmp(path, ANTHROPIC_PATH, len) == 0 && (path[len] == '\0' || path[len] == '/'))
        return true;
    return http->header(req, "anthropic-version") != NULL;
}

/* ---- the server's own words ---- */

/* The first fault of a list, with its place: "query.limit: Input should be ...". */
static json_t *words_of_list(const json_t *list)
{
    const json_t *fault = json_array_get(list, 0), *step;
    const json_t *place = json_object_get(fault, "loc");
    const char *words = json_string_value(json_object_get(fault, "msg"));
    char where[128] = "";
    size_t i, len = 0;

    json_array_foreach(place, i, step)
    {
        const char *name = json_string_value(step);

        if (name && len + strlen(name) + 2 < sizeof(where)) {
            memcpy(where + len, name, strlen(name));
            len += strlen(name);
            where[len++] = i + 1 < json_array_size(place) ? '.' : ':';
        }
    }
    return json_sprintf("%s%s%s", where, len ? " " : "", words ? words : "The request is wrong.");
}

/* What the client is told in words; json_decref. */
static json_t *words(const struct ein_http *http, const struct ein_req *req, int status,
                     const json_t *detail)
{
    if (status == 401 && !bearer_api_key(http, req))
        return json_string(API_KEY_MISSING);
    if (status == 404 && json_is_string(detail))
        return json_sprintf("There is nothing at %s %s%s.", http->method(req), http->path(req),
                            strncmp(http->path(req), "/v1/v1/", strlen("/v1/v1/")) == 0
                                ? ": this client adds /v1 to its base URL by itself"
                                : "");
    if (status == 405)
        return json_sprintf("%s does not take %s.", http->path(req), http->method(req));
    if (json_is_string(detail))
        return json_incref((json_t *)detail);
    return words_of_list(detail);
}

json_t *shape_error(void *impl, struct ein_req *req, int *status, const json_t *detail)
{
    const struct openai_api *api = impl;
    const struct ein_http *http = api->host->http;
    EIN_JSON json_t *text = NULL;
    struct wrong wrong = { .code = NULL };

    if (*status == 422)
        *status = 400;
    wrong.status = *status;
    if (json_is_object(detail)) {
        wrong.text = json_string_value(json_object_get(detail, "message"));
        wrong.code = json_string_value(json_object_get(detail, "code"));
        wrong.param = json_string_value(json_object_get(detail, "param"));
    } else {
        text = words(http, req, *status, detail);
        wrong.text = json_string_value(text);
        wrong.code = *status == 404 ? "unknown_url" : NULL;
    }
    if (!wrong.text)
        return NULL;
    if (!is_anthropic(http, req))
        return chat_error(&wrong);
    (void)http->set_header(req, "request-id", http->request_id(req));
    return anthropic_error(&wrong, http->request_id(req));
}

/* ---- ours ---- */

int fail_with(const struct openai_api *api, struct ein_req *req, const struct wrong *wrong)
{
    return api->host->http->fail_json(req, wrong->status,
                                      json_pack("{s:s, s:s?, s:s?}", "message", wrong->text, "code",
                                                wrong->code, "param", wrong->param));
}

int fail_flaw(const struct openai_api *api, struct ein_req *req, int r, const struct flaw *flaw)
{
    const struct wrong wrong = { .status = flaw->status ? flaw->status : 400,
                                 .text = flaw->text,
                                 .code = flaw->code,
                                 .param = flaw->param[0] ? flaw->param : NULL };

    return r == EIN_E_INVALID ? fail_with(api, req, &wrong) : r;
}
