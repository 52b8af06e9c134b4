/* SPDX-License-Identifier: Apache-2.0 */
/* POST /specs/operations, and the service. */
#include "specs.h"

/* JSON in memory is several times as large as its text. */
enum { MEMORY_FACTOR = 4 };

/* Documents of agents are read at each run, always alike. */
static int read_again(struct specs *specs, const char *text, size_t len, json_t **ret_spec,
                      struct ein_error *err)
{
    json_t *spec = recall_get(&specs->recall, text, len);
    size_t bytes = 0;
    int r;

    if (!spec) {
        r = spec_read(text, len, NULL, &specs->limits, &spec, &bytes, err);
        if (r < 0)
            return r;
        recall_put(&specs->recall, text, len, spec, len + MEMORY_FACTOR * bytes);
    }
    *ret_spec = spec;
    return 0;
}

int specs_read(void *impl, const char *text, size_t len, const char *base_url, uint32_t max,
               json_t **ret_spec, struct ein_error *err)
{
    struct specs *specs = impl;
    struct spec_limits limits = specs->limits;

    if (!base_url && max == 0)
        return read_again(specs, text, len, ret_spec, err);
    if (max > 0 && max < limits.operations)
        limits.operations = max;
    return spec_read(text, len, base_url, &limits, ret_spec, NULL, err);
}

int specs_operations_post(struct ein_req *req, void *self)
{
    const struct specs *specs = self;
    const struct ein_http *http = specs->host->http;
    const json_t *body = http->body(req);
    const json_t *content = json_object_get(body, "content");
    struct ein_error err = { 0 };
    json_t *spec = NULL;

    if (spec_read(json_string_value(content), json_string_length(content),
                  json_string_value(json_object_get(body, "baseUrl")), &specs->limits, &spec, NULL,
                  &err) == 0)
        return http->reply(req, 200, spec);
    if (err.code == EIN_E_NO_MEMORY)
        return http->fail_error(req, &err);
    return http->fail(req, 400, "The document cannot be read: %s.", err.text);
}
