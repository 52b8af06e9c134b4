/* SPDX-License-Identifier: Apache-2.0 */
/* GET and DELETE /v1/responses/{response_id}, GET /v1/responses/{response_id}/input_items. */
#include "cleanup.h"
#include "disk_room.h"
#include "error.h"
#include "member.h"
#include "openai_api.h"

#include <stdio.h>
#include <string.h>

/* The response that the path names; NULL: it has been replied to. */
static json_t *find_response(const struct openai_api *api, struct ein_req *req, int *ret_status)
{
    const struct ein_http *http = api->host->http;
    const char *id = http->path_param(req, "response_id");
    struct ein_error err = { 0 };
    char text[128];
    const struct wrong wrong = { .status = 404, .text = text };
    json_t *doc = NULL;
    int r = kept_get(api, http->identity(req)->uid, id, &doc, &err);

    (void)snprintf(text, sizeof(text), "Response with id '%.60s' not found.", id);
    if (r == EIN_E_NOT_FOUND)
        *ret_status = fail_with(api, req, &wrong);
    else if (r < 0)
        *ret_status = http->fail_error(req, &err);
    return doc;
}

int responses_get(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    const struct ein_http *http = api->host->http;
    const char *stream = text_of(http->query(req), "stream");
    const struct wrong streams = { .status = 400,
                                   .text = "Only responses that are made in the background are "
                                           "streams once more, and none are here.",
                                   .param = "stream" };
    EIN_JSON json_t *doc = NULL;
    int r = 0;

    if (stream && strcmp(stream, "true") == 0)
        return fail_with(api, req, &streams);
    doc = find_response(api, req, &r);
    return doc ? http->reply(req, 200, json_incref(json_object_get(doc, "response"))) : r;
}

int responses_delete(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    const struct ein_http *http = api->host->http;
    struct ein_error err = { 0 };
    int r = 0;
    EIN_JSON json_t *doc = find_response(api, req, &r);

    if (!doc)
        return r;
    r = api->host->store->del(api->ctx, RESPONSE_SET, text_of(doc, "_id"), EIN_REV_ANY, &err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, &err);
    if (r >= 0)
        disk_give_doc(api->host, api->ctx, text_of(doc, "userId"), doc);
    return http->reply(req, 200,
                       json_pack("{s:O, s:s, s:b}", "id", json_object_get(doc, "_id"), "object",
                                 "response", "deleted", 1));
}

/* ---- its input ---- */

static json_t *parts_of(const json_t *content, bool assistant)
{
    return assistant ? json_pack("[{s:s, s:O, s:[]}]", "type", "output_text", "text", content,
                                 "annotations")
                     : json_pack("[{s:s, s:O}]", "type", "input_text", "text", content);
}

/* In the form that OpenAI has for what was sent in a shorter one. */
static json_t *shown(const json_t *item)
{
    const json_t *content = json_object_get(item, "content");
    json_t *shown = json_copy((json_t *)item);

    if (!json_object_get(item, "role"))
        return shown;
    (void)json_object_set_new(shown, "type", json_string("message"));
    if (!json_object_get(item, "status"))
        (void)json_object_set_new(shown, "status", json_string("completed"));
    if (json_is_string(content))
        (void)json_object_set_new(
            shown, "content",
            parts_of(content, strcmp(text_or_empty(item, "role"), "assistant") == 0));
    return shown;
}

/* The page of ITEMS, oldest first, that QUERY asks for. */
static json_t *page_of(const json_t *items, const json_t *query)
{
    const bool newest_first = strcmp(text_of(query, "order"), "desc") == 0;
    const size_t limit = (size_t)integer_of(query, "limit"), count = json_array_size(items);
    const char *after = text_of(query, "after");
    json_t *data = json_array(), *ends[2];
    bool more = false;

    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(items, newest_first ? count - 1 - i : i);

        if (after) {
            after = strcmp(after, text_or_empty(item, "id")) == 0 ? NULL : after;
            continue;
        }
        more = json_array_size(data) == limit;
        if (more)
            break;
        (void)json_array_append_new(data, shown(item));
    }
    ends[0] = json_object_get(json_array_get(data, 0), "id");
    ends[1] = json_object_get(json_array_get(data, json_array_size(data) - 1), "id");
    return json_pack("{s:s, s:O?, s:O?, s:b, s:o}", "object", "list", "first_id", ends[0],
                     "last_id", ends[1], "has_more", more, "data", data);
}

/* All that the model was given, but for instructions; what was deleted of it is not there. */
int responses_input_items(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    const struct ein_http *http = api->host->http;
    EIN_JSON json_t *chain = json_array();
    EIN_JSON json_t *items = json_array();
    struct ein_error err = { 0 };
    const char *missing;
    int r = 0;
    json_t *doc = find_response(api, req, &r);

    if (!doc)
        return r;
    if (json_array_append_new(chain, doc) < 0)
        return EIN_E_NO_MEMORY;
    r = kept_chain(api, chain, &missing, &err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, &err);
    r = kept_items(chain, 1, items);
    if (r < 0 || json_array_extend(items, json_object_get(doc, "input")) < 0)
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200, page_of(items, http->query(req)));
}
