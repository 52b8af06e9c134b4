/* SPDX-License-Identifier: Apache-2.0 */
#include "app_token.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"
#include "percent.h"
#include "scopes.h"

#include <stdio.h>
#include <string.h>

enum { SWEEP_LEASE_MS = 30000 };

static const char rest_path[] = "/rest/";
static const char rest_scope[] = "deployments:run"; /* of POST /rest/{friendly_name} */
static const char use_scope[] = "use";

json_t *app_api_names(const json_t *demo)
{
    EIN_JSON json_t *names = json_array();
    const json_t *api;
    size_t i;

    json_array_foreach(json_object_get(demo, "selectedApis"), i, api)
    {
        json_t *name = json_object_get(api, "friendlyName");

        if (!list_has(names, json_string_value(name)) && json_array_append(names, name) < 0)
            return NULL;
    }
    return EIN_TAKE(names);
}

/* ---- making ---- */

/* What deployments ask for beyond it, as far as who opens the page may. */
static json_t *scopes_of(const struct ein_identity *identity)
{
    json_t *scopes = json_pack("[s]", rest_scope);
    int r = identity->scopes ? 0 : json_array_append_new(scopes, json_string(use_scope));

    for (const char *const *held = identity->scopes; held && *held; held++)
        if (scope_covers(use_scope, *held))
            r |= json_array_append_new(scopes, json_string(*held));
    if (r < 0) {
        json_decref(scopes);
        return NULL;
    }
    return scopes;
}

/* Who opens the page, without the rights of a site admin. */
static json_t *claims_of(const struct ein_identity *identity, const json_t *demo)
{
    return json_pack(
        "{s:s, s:s*, s:s*, s:s*, s:s, s:o, s:O*, s:O*, s:O*, s:O}", "uid", identity->uid, "email",
        identity->email, "name", identity->name, "provider", identity->provider, "proof", "demo",
        "scopes", scopes_of(identity), "workspaces", identity->workspaces, "keyId",
        json_object_get(identity->claims, "keyId"), "sessionId",
        json_object_get(identity->claims, "sessionId"), "demoId", json_object_get(demo, "_id"));
}

int app_token_make(const struct demos *demos, const struct ein_req *req, const json_t *demo,
                   char ret_token[APP_TOKEN_SIZE], int64_t *ret_expires, struct ein_error *err)
{
    const struct ein_host *host = demos->host;
    int64_t expires = clock_wall_ms() + demos->token_ms;
    json_t *claims = claims_of(host->http->identity(req), demo);
    EIN_JSON json_t *doc =
        json_pack("{s:O, s:o, s:O*, s:o, s:I}", "demoId", json_object_get(demo, "_id"), "apis",
                  app_api_names(demo), "userId", json_object_get(claims, "uid"), "claims", claims,
                  "expires", (json_int_t)expires);
    char secret[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];
    int r;

    if (!doc)
        return error_no_memory(err);
    r = token_make(secret);
    if (r < 0)
        return error_set(err, r, "There are no random numbers for a token.");
    (void)snprintf(ret_token, APP_TOKEN_SIZE, "%s%s", DEMO_TOKEN_PREFIX, secret);
    explicit_bzero(secret, sizeof(secret));
    token_hash(ret_token, hash);
    *ret_expires = expires;
    return host->store->put(demos->ctx, APP_TOKEN_SET, hash, EIN_REV_NEW, doc, NULL, err);
}

/* ---- knowing again ---- */

static const struct refusal {
    const char *reason, *text;
} unknown = { "token_unknown", "This token of a demo is not known." },
  ended = { "token_expired", "This token of a demo has ended." },
  elsewhere = { "insufficient_scope",
                "The token of a demo calls the APIs of its demo and nothing else." };

static int refuse(const struct demos *demos, struct ein_req *req, const struct refusal *why,
                  struct ein_error *err)
{
    if (bearer_refuse(demos->host->http, req, why->reason) < 0)
        return error_no_memory(err);
    return error_set(err, EIN_E_DENIED, "%s", why->text);
}

/* The name in POST /rest/NAME, decoded; free().  NULL: this is no such call. */
static char *called_name(const struct ein_http *http, const struct ein_req *req)
{
    const char *path = http->path(req);
    char *name;

    if (strcmp(http->method(req), "POST") != 0 || strncmp(path, rest_path, strlen(rest_path)) != 0)
        return NULL;
    name = strdup(path + strlen(rest_path));
    if (name && *name && !strchr(name, '/') && percent_decode(name, strlen(name)) >= 0)
        return name;
    free(name);
    return NULL;
}

/* Both what the demo selected when the page was opened and what it does now. */
static int check_call(const struct demos *demos, struct ein_req *req, const json_t *doc,
                      struct ein_error *err)
{
    EIN_FREE char *name = called_name(demos->host->http, req);
    EIN_JSON json_t *demo = NULL;
    EIN_JSON json_t *names = NULL;
    int r;

    if (!name || !list_has(json_object_get(doc, "apis"), name))
        return refuse(demos, req, &elsewhere, err);
    r = demos->host->store->get(demos->ctx, DEMO_SET, text_of(doc, "demoId"), &demo, err);
    if (r == EIN_E_NOT_FOUND)
        return refuse(demos, req, &ended, err);
    if (r < 0)
        return r;
    names = app_api_names(demo);
    if (!names)
        return error_no_memory(err);
    return list_has(names, name) ? 0 : refuse(demos, req, &elsewhere, err);
}

struct asking {
    const json_t *claims;
    bool known; /* somebody has said that it is good */
    struct ein_error err;
};

static int ask_still(const struct ein_service *service, void *data)
{
    const struct ein_auth_provider *provider = service->vtable;
    struct asking *asking = data;

    if (!EIN_HAS(struct ein_auth_provider, provider, still))
        return 0;
    int r = provider->still(service->impl, asking->claims, &asking->err);
    asking->known |= r == 0;
    return r < 0 ? r : 0;
}

/* What was made with a login, or with a key, ends with it; also where nobody knows these any more.
 */
static int check_maker(const struct demos *demos, struct ein_req *req, const json_t *claims,
                       struct ein_error *err)
{
    struct asking asking = { .claims = claims };
    int r = demos->host->each_service(demos->ctx, EIN_AUTH_PROVIDER, ask_still, &asking);

    if (r == EIN_E_DENIED ||
        (r == 0 && !asking.known && (text_of(claims, "keyId") || text_of(claims, "sessionId"))))
        return refuse(demos, req, &ended, err);
    return r < 0 ? error_set(err, r, "%s", asking.err.text) : 0;
}

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct demos *demos = impl;
    const char *token = bearer_token(demos->host->http, req);
    char hash[TOKEN_HASH_SIZE];
    EIN_JSON json_t *doc = NULL;
    int r;

    if (!token || strncmp(token, DEMO_TOKEN_PREFIX, sizeof(DEMO_TOKEN_PREFIX) - 1) != 0)
        return EIN_AUTH_DEFER;
    token_hash(token, hash);
    r = demos->host->store->get(demos->ctx, APP_TOKEN_SET, hash, &doc, err);
    if (r == EIN_E_NOT_FOUND)
        return refuse(demos, req, &unknown, err);
    if (r < 0)
        return r;
    if (integer_of(doc, "expires") <= clock_wall_ms())
        return refuse(demos, req, &ended, err);
    r = check_maker(demos, req, json_object_get(doc, "claims"), err);
    if (r == 0)
        r = check_call(demos, req, doc, err);
    if (r < 0)
        return r;
    *ret_claims = json_incref(json_object_get(doc, "claims"));
    return 0;
}

const struct ein_auth_provider app_token_provider = {
    .struct_size = sizeof(app_token_provider),
    .verify = verify,
    .no_login = 1,
};

/* ---- ending ---- */

/* A token is known as ended for as long as it was good. */
void app_token_sweep(void *data)
{
    const struct demos *demos = data;
    const struct ein_store *store = demos->host->store;
    int64_t until = clock_wall_ms() - demos->token_ms;
    struct ein_error err = { 0 };
    int r = 1;

    while (r > 0) {
        EIN_JSON json_t *doc = NULL;

        r = store->claim(demos->ctx, APP_TOKEN_SET, "expires", until, SWEEP_LEASE_MS, &doc, &err);
        if (r > 0)
            r = store->del(demos->ctx, APP_TOKEN_SET, text_of(doc, "_id"), EIN_REV_ANY, &err);
        if (doc && (r == 0 || r == EIN_E_NOT_FOUND))
            r = 1;
    }
    if (r < 0)
        demos->host->log_msg(demos->ctx, EIN_ERROR, "Old tokens of demos could not be deleted: %s",
                             err.text);
}
