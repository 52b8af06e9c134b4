/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp.h"

#include "cleanup.h"
#include "clock.h"
#include "vendor.h"

#include <string.h>

enum { ANSWER_MAX = 64 * 1024, OK = 200, OK_END = 300 };

/* How one attempt ended. */
struct answer {
    bool taken, may_retry;
    uint32_t after_ms; /* the collector asks for a pause; 0: it does not */
    struct ein_error why;
};

/* What the log is told of, each at most once in quiet_ms. */
static bool may_say(struct otlp *otlp, enum otlp_said what)
{
    int64_t now = clock_mono_ms();

    if (otlp->said_ms[what] != 0 && now - otlp->said_ms[what] < otlp->quiet_ms)
        return false;
    otlp->said_ms[what] = now;
    return true;
}

static bool status_may_retry(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* It may have taken only some of it, and says so; that is not sent again. */
static void note_partial(struct otlp *otlp, const char *body)
{
    EIN_JSON json_t *json = body ? json_loads(body, 0, NULL) : NULL;
    const json_t *partial = json_object_get(json, "partialSuccess");
    const char *message = json_string_value(json_object_get(partial, "errorMessage"));
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)partial, key, value)
    {
        /* A 64-bit number is text; some write a number. */
        const char *rejected = json_string_value(value);

        if (strncmp(key, "rejected", strlen("rejected")) != 0 ||
            (rejected ? strcmp(rejected, "0") == 0 : json_integer_value(value) == 0))
            continue;
        if (may_say(otlp, OTLP_SAID_PARTIAL))
            otlp->host->log_msg(otlp->ctx, EIN_WARN,
                                "The collector rejected some of what was sent (%s%s%s)", key,
                                message ? ": " : "", message ? message : "");
        return;
    }
    if (message && *message && may_say(otlp, OTLP_SAID_PARTIAL))
        otlp->host->log_msg(otlp->ctx, EIN_WARN, "The collector says: %s", message);
}

static struct answer post(struct otlp *otlp, const char *url, const char *body, size_t len,
                          uint32_t total_ms)
{
    const struct ein_fetch what = { .struct_size = sizeof(what),
                                    .egress = EIN_EGRESS_OPERATOR,
                                    .connect_ms = total_ms,
                                    .first_byte_ms = total_ms,
                                    .idle_ms = total_ms,
                                    .total_ms = total_ms,
                                    .max_bytes = ANSWER_MAX,
                                    .method = "POST",
                                    .url = url,
                                    .headers = (const char *const *)otlp->headers,
                                    .body = body,
                                    .body_len = len,
                                    .cancel = otlp->cancel };
    struct ein_fetched got = { .struct_size = sizeof(got) };
    struct answer answer = { .taken = false };
    int r = otlp->host->client->fetch(otlp->ctx, &what, &got, &answer.why);

    if (r < 0) {
        answer.may_retry = r == EIN_E_UNAVAILABLE || r == EIN_E_TIMEOUT;
        return answer;
    }
    answer.taken = got.status >= OK && got.status < OK_END;
    answer.may_retry = status_may_retry(got.status);
    answer.after_ms = vendor_retry_after(got.headers);
    if (answer.taken)
        note_partial(otlp, got.body);
    else
        (void)otlp->host->set_error(&answer.why, EIN_E_UNAVAILABLE, "it answers %d", got.status);
    json_decref(got.headers);
    otlp->host->mem_free(got.body);
    return answer;
}

/* What changes to and fro is said when it has stayed so. */
static void say(struct otlp *otlp, const struct answer *answer)
{
    if (answer->taken == !otlp->failing || !may_say(otlp, OTLP_SAID_STATE))
        return;
    if (answer->taken)
        otlp->host->log_msg(otlp->ctx, EIN_INFO, "The collector accepts traces and metrics again");
    else
        otlp->host->log_msg(otlp->ctx, EIN_WARN,
                            "The collector does not accept traces and metrics: %s",
                            answer->why.text);
    otlp->failing = !answer->taken;
}

static bool deliver(struct otlp *otlp, const char *url, const char *body, size_t len)
{
    int64_t until_ms = clock_mono_ms() + otlp->retry_ms;
    uint32_t pause_ms = otlp->retry_base_ms, left_ms;

    while ((left_ms = otlp_left_ms(otlp)) > 0) {
        struct answer answer = post(otlp, url, body, len, left_ms);
        uint32_t wait_ms = answer.after_ms > pause_ms ? answer.after_ms : pause_ms;
        int64_t again_ms = clock_mono_ms() + wait_ms;

        say(otlp, &answer);
        if (answer.taken || !answer.may_retry || again_ms > until_ms || !otlp_wait(otlp, again_ms))
            return answer.taken;
        pause_ms = pause_ms < otlp->retry_max_ms / 2 ? 2 * pause_ms : otlp->retry_max_ms;
    }
    return false;
}

bool otlp_send(struct otlp *otlp, const char *url, json_t *take_request)
{
    EIN_JSON json_t *request = take_request;
    size_t len = 0;
    char *body = request ? otlp->host->json_text(request, &len) : NULL;
    bool taken = body && deliver(otlp, url, body, len);

    otlp->host->mem_free(body);
    return taken;
}
