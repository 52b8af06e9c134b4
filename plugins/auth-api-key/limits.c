/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "member.h"
#include "money.h"

/* ---- what is asked for ---- */

/* The store counts in nano-dollars. */
static int read_budget(const json_t *asked, json_t **ret_budget, struct ein_error *err)
{
    int64_t nano;
    int r = money_from_json(json_object_get(asked, "limit"), &nano, err);

    if (r < 0)
        return r;
    *ret_budget = json_pack("{s:I, s:O}", "limitNano", (json_int_t)nano, "period",
                            json_object_get(asked, "period"));
    return *ret_budget ? 0 : error_no_memory(err);
}

int limits_read(const json_t *body, json_t *members, struct ein_error *err)
{
    json_t *asked = json_object_get(body, "budget");
    EIN_JSON json_t *budget = NULL;
    int r = json_is_object(asked) ? read_budget(asked, &budget, err) : 0;

    if (r < 0)
        return r;
    EIN_JSON json_t *limits =
        json_pack("{s:O*, s:O*, s:O*}", "models", json_object_get(body, "models"), "budget",
                  budget ? budget : asked, "rates", json_object_get(body, "rates"));
    return limits && json_object_update(members, limits) == 0 ? 0 : error_no_memory(err);
}

/* ---- what there is ---- */

int limits_of(const json_t *key, json_t **ret_limits, struct ein_error *err)
{
    EIN_JSON json_t *limits =
        json_pack("{s:O*, s:O*, s:O*}", "models", unless_null(key, "models"), "budget",
                  unless_null(key, "budget"), "rates", unless_null(key, "rates"));

    *ret_limits = NULL;
    if (limits && json_object_size(limits) == 0)
        return 0;
    if (!limits || copy_member(limits, key, "name") < 0)
        return error_no_memory(err);
    *ret_limits = EIN_TAKE(limits);
    return 0;
}

static int service_limits(void *impl, const char *key_id, json_t **ret_limits,
                          struct ein_error *err)
{
    const struct api_keys *self = impl;
    EIN_JSON json_t *claims = key_cache_find(self->cache, key_id);
    EIN_JSON json_t *key = NULL;

    if (claims) {
        *ret_limits = json_incref(json_object_get(claims, "limits"));
        return 0;
    }
    int r = self->host->store->get(self->ctx, KEY_SET, key_id, &key, err);
    if (r == 0 && integer_of(key, "revoked")) /* what it has begun, such as a run, may go on */
        return error_set(err, EIN_E_DENIED, "This API key has been revoked.");
    return r < 0 ? r : limits_of(key, ret_limits, err);
}

const struct ein_api_keys limits_service = { .struct_size = sizeof(limits_service),
                                             .limits = service_limits };

/* ---- what is shown ---- */

/* What is left of it, and till when; null: nobody knows. */
static json_t *show_budget(const struct api_keys *self, const json_t *key, const json_t *budget)
{
    const struct ein_payer payer = { .struct_size = sizeof(payer),
                                     .user_id = text_of(key, "userId"),
                                     .key_id = text_of(key, "_id"),
                                     .period = text_of(budget, "period"),
                                     .limit = integer_of(budget, "limitNano") };
    const struct ein_service *service;
    int64_t left = 0, next_ms = 0;
    int r = self->host->acquire(self->ctx, EIN_LEDGER, NULL, &service);
    char next[CLOCK_ISO_SIZE];

    if (r == 0) {
        const struct ein_ledger *ledger = service->vtable;
        r = EIN_HAS(struct ein_ledger, ledger, key_left)
                ? ledger->key_left(service->impl, &payer, &left, &next_ms, NULL)
                : EIN_E_UNSUPPORTED;
        self->host->release(self->ctx, service);
    }
    clock_iso_at(next, next_ms * 1000);
    return json_pack("{s:o, s:s, s:o, s:s?}", "limit", money_to_json(payer.limit), "period",
                     payer.period, "remaining",
                     r < 0 ? json_null() : money_to_json(left > 0 ? left : 0), "resetsAt",
                     next_ms ? next : NULL);
}

int limits_show(const struct api_keys *self, const json_t *key, json_t *shown,
                struct ein_error *err)
{
    const json_t *budget = unless_null(key, "budget");

    if (copy_member(shown, key, "models") < 0 ||
        json_object_set_new(shown, "budget",
                            budget ? show_budget(self, key, budget) : json_null()) < 0 ||
        copy_member(shown, key, "rates") < 0)
        return error_no_memory(err);
    return 0;
}
