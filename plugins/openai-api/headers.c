/* SPDX-License-Identifier: Apache-2.0 */
#include "openai_api.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { NOTES_MAX = 2000, FIELD_SIZE = 160, WINDOW_S = 60 };

static void set(const struct openai_api *api, struct ein_req *req, const char *name,
                const char *value)
{
    (void)api->host->http->set_header(req, name, value);
}

static void set_number(const struct openai_api *api, struct ein_req *req, const char *name,
                       uint64_t number)
{
    char text[24];
    struct buf out;

    buf_init_in(&out, text, sizeof(text), sizeof(text) - 1);
    out_number(&out, number);
    set(api, req, name, text);
}

/* "250ms", "1.5s", "6m0s", as OpenAI writes it. */
static void duration(uint32_t ms, char *text, size_t size)
{
    if (ms < 1000)
        (void)snprintf(text, size, "%ums", ms);
    else if (ms < 60000)
        (void)snprintf(text, size, "%gs", ms / 1000.0);
    else
        (void)snprintf(text, size, "%um%us", ms / 60000, ms % 60000 / 1000);
}

static void rate_name(bool anthropic, const char *what, const char *which, char name[64])
{
    (void)snprintf(name, 64, anthropic ? "anthropic-ratelimit-%s-%s" : "x-ratelimit-%s-%s",
                   anthropic ? what : which, anthropic ? which : what);
}

static void set_rate(const struct openai_api *api, struct ein_req *req, const char *what,
                     const struct ein_rate *rate)
{
    char name[64], reset[CLOCK_ISO_SIZE];
    bool anthropic;

    if (rate->limit <= 0)
        return;
    anthropic = is_anthropic(api->host->http, req);
    if (anthropic)
        clock_iso_at(reset, (clock_wall_ms() + rate->reset_ms) * 1000);
    else
        duration(rate->reset_ms, reset, sizeof(reset));
    rate_name(anthropic, what, "limit", name);
    set_number(api, req, name, (uint64_t)rate->limit);
    rate_name(anthropic, what, "remaining", name);
    set_number(api, req, name, (uint64_t)rate->remaining);
    rate_name(anthropic, what, "reset", name);
    set(api, req, name, reset);
}

/* As IETF's draft of the fields RateLimit and RateLimit-Policy has them. */
static void set_fields(const struct openai_api *api, struct ein_req *req,
                       const struct ein_completion_outcome *outcome)
{
    const struct ein_rate *const rates[] = { &outcome->requests, &outcome->tokens };
    static const char *const names[] = { "requests", "tokens" };
    char policy[FIELD_SIZE] = "", left[FIELD_SIZE] = "";
    size_t policy_len = 0, left_len = 0;

    for (size_t i = 0; i < 2; i++) {
        const char *comma = policy_len > 0 ? ", " : "";

        if (rates[i]->limit <= 0)
            continue;
        policy_len += (size_t)snprintf(policy + policy_len, sizeof(policy) - policy_len,
                                       "%s\"%s\";q=%" PRId64 ";w=%d;qu=\"%s\"", comma, names[i],
                                       rates[i]->limit, WINDOW_S, names[i]);
        left_len +=
            (size_t)snprintf(left + left_len, sizeof(left) - left_len,
                             "%s\"%s\";r=%" PRId64 ";t=%u", comma, names[i], rates[i]->remaining,
                             rates[i]->reset_ms / 1000 + (rates[i]->reset_ms % 1000 > 0));
    }
    if (policy_len > 0) {
        set(api, req, "RateLimit-Policy", policy);
        set(api, req, "RateLimit", left);
    }
}

void headers_begin(const struct openai_api *api, struct ein_req *req,
                   const struct ein_completion_outcome *outcome)
{
    char model[sizeof(outcome->provider) + sizeof(outcome->model)];

    if (outcome->provider[0]) {
        (void)stpcpy(stpcpy(stpcpy(model, outcome->provider), "/"), outcome->model);
        set(api, req, "x-einion-provider", outcome->provider);
        set(api, req, "x-einion-model", model);
    }
    if (outcome->attempts)
        set_number(api, req, "x-einion-attempts", outcome->attempts);
    set_rate(api, req, "requests", &outcome->requests);
    set_rate(api, req, "tokens", &outcome->tokens);
    set_fields(api, req, outcome);
    if (is_anthropic(api->host->http, req)) /* as its clients call it */
        set(api, req, "request-id", api->host->http->request_id(req));
}

/* The sentences with "; " between, what no header can hold left out. */
static void set_notes(const struct openai_api *api, struct ein_req *req,
                      const struct answer *answer)
{
    const json_t *lists[] = { answer->ask->notes, answer->outcome->notes }, *note;
    char text[NOTES_MAX];
    size_t len = 0, i;

    for (size_t list = 0; list < 2; list++)
        json_array_foreach(lists[list], i, note)
        {
            const char *from = len > 0 ? "; " : "";

            for (int part = 0; part < 2; part++, from = json_string_value(note))
                for (; from && *from && len < sizeof(text) - 1; from++)
                    if (*from >= ' ' && *from < 0x7f)
                        text[len++] = *from;
        }
    text[len] = '\0';
    if (len > 0)
        set(api, req, "x-einion-notes", text);
}

void headers_end(const struct openai_api *api, struct ein_req *req, const struct answer *answer)
{
    const struct ein_completion_outcome *outcome = answer->outcome;
    char text[40];
    struct buf cost;

    headers_begin(api, req, outcome);
    buf_init_in(&cost, text, sizeof(text), sizeof(text) - 1);
    out_nano(&cost, outcome->cost);
    set(api, req, "x-einion-cost", text);
    set_number(api, req, "x-einion-overhead-us", outcome->overhead_us);
    set_notes(api, req, answer);
}
