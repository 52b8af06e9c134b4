/* SPDX-License-Identifier: Apache-2.0 */
/* auth-header: whoever says who they are is believed.  For tests, which need more people than a
 * login gives them in a moment; and an example of an auth provider that is not of this house: it
 * is built with the public headers and jansson alone.
 *
 *   X-Test-Identity: {"uid": "header:alice", "workspaces": [{"id": "team", "role": "member"}]}
 *
 * Asked again, it says of somebody what is under their uid in the JSON file `people`: an object of
 * claims, "denied" or "down".
 */
#include <einion/services.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char config_schema[] =
    "{\"type\": \"object\", \"properties\": {\"people\": {\"type\": \"string\", \"default\": "
    "\"/dev/null\","
    " \"description\": \"What is said of those who are asked after again.\"}}}";

struct auth_header {
    const struct ein_host *host;
    const char *people; /* a path */
};

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct auth_header *self = impl;
    const char *text = self->host->http->header(req, "X-Test-Identity");

    if (!text)
        return EIN_AUTH_DEFER;
    json_t *claims = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(claims)) {
        json_decref(claims);
        return self->host->set_error(err, EIN_E_DENIED, "X-Test-Identity is not a JSON object.");
    }
    *ret_claims = claims;
    return 0;
}

static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    const struct auth_header *self = impl;
    json_t *people = json_load_file(self->people, 0, NULL);
    json_t *found = json_object_get(people, json_string_value(json_object_get(claims, "uid")));
    const char *word = json_string_value(found);
    int r = 0;

    if (word && strcmp(word, "denied") == 0)
        r = self->host->set_error(err, EIN_E_DENIED, "They are not known any more.");
    else if (!json_is_object(found))
        r = self->host->set_error(err, EIN_E_UNAVAILABLE, "Nobody answers.");
    else
        *ret_claims = json_incref(found);
    json_decref(people);
    return r;
}

static const struct ein_auth_provider provider = { .struct_size = sizeof(provider),
                                                   .verify = verify,
                                                   .refresh = refresh };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct auth_header *self = calloc(1, sizeof(*self));

    if (!self)
        return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    self->host = host;
    self->people = json_string_value(json_object_get(config, "people"));
    int r = host->publish(ctx, EIN_AUTH_PROVIDER, "header", &provider, self, err);
    if (r < 0) {
        free(self);
        return r;
    }
    *ret_self = self;
    return 0;
}

static void fini(void *self)
{
    free(self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-header",
    .version = "0.1.0",
    .summary = "Whoever says who they are is believed",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
