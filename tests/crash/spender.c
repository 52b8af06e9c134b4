/* SPDX-License-Identifier: Apache-2.0 */
/* spender: calls an upstream that costs money, as a plugin of somebody else's would.
 *
 *   POST /spend {"user", "bound", "url"}   sets `bound` nano-dollars aside, asks the upstream in
 *                                          the name of the hold, pays what that says
 *
 * Where the upstream may have served and its answer did not come, the hold is left to expire. */
#include <einion/services.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spender {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

static const char *text(const struct json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

/* The upstream's "cost"; UNAVAILABLE: it was never reached. */
static int ask_upstream(const struct spender *spender, const char *url, const char *hold,
                        int64_t *ret_cost, struct ein_error *err)
{
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    const struct ein_fetch fetch = { .struct_size = sizeof(fetch),
                                     .egress = EIN_EGRESS_OPERATOR,
                                     .method = "POST",
                                     .url = url,
                                     .body = hold,
                                     .body_len = strlen(hold) };
    int r = spender->host->client->fetch(spender->ctx, &fetch, &fetched, err);
    json_t *answer = r < 0 ? NULL : json_loads(fetched.body, 0, NULL);

    if (r == 0 && !answer)
        r = spender->host->set_error(err, EIN_E_INTERNAL, "the upstream makes no sense");
    *ret_cost = json_integer_value(json_object_get(answer, "cost"));
    json_decref(answer);
    json_decref(fetched.headers);
    spender->host->mem_free(fetched.body);
    return r;
}

/* Where the body has a "budget", for the user's one key. */
static int reserve(const struct ein_service *service, const struct json_t *body,
                   char hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    const struct ein_ledger *ledger = service->vtable;
    const struct json_t *budget = json_object_get(body, "budget");
    int64_t bound = json_integer_value(json_object_get(body, "bound"));
    const struct ein_payer payer = { .struct_size = sizeof(payer),
                                     .user_id = text(body, "user"),
                                     .key_id = text(body, "user"),
                                     .period = "total",
                                     .limit = json_integer_value(budget) };

    return budget ? ledger->reserve_key(service->impl, &payer, bound, 0, hold, err)
                  : ledger->reserve(service->impl, payer.user_id, bound, 0, hold, err);
}

static int spend(struct ein_req *req, void *self)
{
    const struct spender *spender = self;
    const struct ein_http *http = spender->host->http;
    const struct json_t *body = http->body(req);
    struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                      .user_id = text(body, "user"),
                                      .provider = "upstream",
                                      .model = "m",
                                      .request_id = http->request_id(req) };
    const struct ein_service *service;
    struct ein_error err;
    char hold[EIN_HOLD_SIZE];

    if (spender->host->acquire(spender->ctx, EIN_LEDGER, NULL, &service) < 0)
        return http->fail(req, 503, "There is no ledger.");
    const struct ein_ledger *ledger = service->vtable;
    int r = reserve(service, body, hold, &err);
    if (r == 0) {
        r = ask_upstream(spender, text(body, "url"), hold, &entry.cost, &err);
        if (r == 0)
            r = ledger->settle(service->impl, hold, &entry, &err);
        else if (r == EIN_E_UNAVAILABLE)
            (void)ledger->release(service->impl, hold, NULL);
    }
    spender->host->release(spender->ctx, service);
    if (r == EIN_E_DENIED)
        return http->fail(req, 402, "%s", err.text);
    return r < 0
               ? http->fail_error(req, &err)
               : http->reply(req, 200,
                             json_pack("{s:s, s:I}", "hold", hold, "cost", (json_int_t)entry.cost));
}

static const struct ein_route routes[] = {
    { .auth = EIN_AUTH_USER,
      .method = "POST",
      .path = "/spend",
      .operation_id = "spend",
      .summary = "Spend money",
      .body_schema = "{\"type\": \"object\", \"required\": [\"user\", \"bound\", \"url\"], "
                     "\"properties\": {\"user\": {\"type\": \"string\"}, "
                     "\"bound\": {\"type\": \"integer\"}, \"url\": {\"type\": \"string\"}, "
                     "\"budget\": {\"type\": \"integer\"}}}",
      .status = 200,
      .handle = spend },
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct spender *spender = calloc(1, sizeof(*spender));

    (void)config;
    if (!spender)
        return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    *spender = (struct spender){ host, ctx };
    int r = EIN_ADD_ROUTES(host, ctx, routes, spender, err);
    if (r < 0)
        free(spender);
    else
        *ret_self = spender;
    return r;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,         .name = "spender", .version = "0.1.0",
    .summary = "Spends money", .init = init,      .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
