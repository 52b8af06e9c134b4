/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "json_depth.h"
#include "member.h"
#include "oauth.h"
#include "str.h"

/* The target of <...>; rel="next" in a Link header; free(). */
static char *next_of(const char *link)
{
    while (link && (link = strchr(link, '<'))) {
        const char *end = strchr(link, '>');
        size_t len = end ? strcspn(end, "<") : 0; /* its parameters */
        const char *rel = end ? memmem(end, len, "rel=\"next\"", 10) : NULL;

        if (rel)
            return strndup(link + 1, (size_t)(end - link - 1));
        link = end;
    }
    return NULL;
}

static void read_answer(const struct ein_fetched *got, struct oauth_answer *answer)
{
    answer->status = got->status;
    answer->json = json_outer_read(got->body, got->body_len, OAUTH_DEPTH_MAX);
    answer->next = next_of(text_of(got->headers, "link"));
}

int oauth_call(const struct oauth *oauth, const struct oauth_call *call,
               struct oauth_answer *ret_answer, struct ein_error *err)
{
    const char *const headers[] = {
        "Accept: application/json",
        call->form ? "Content-Type: application/x-www-form-urlencoded" : "X-Requested-With: einion",
        call->header,
        NULL,
    };
    const struct ein_fetch what = {
        .struct_size = sizeof(what),
        .egress = EIN_EGRESS_OPERATOR,
        .total_ms = oauth->timeout_ms,
        .max_bytes = OAUTH_REPLY_MAX,
        .method = call->form ? "POST" : "GET",
        .url = call->url,
        .headers = headers,
        .body = call->form,
        .body_len = call->form ? strlen(call->form) : 0,
    };
    struct ein_fetched got = { .struct_size = sizeof(got) };
    struct ein_error why = { 0 };

    if (oauth->host->client->fetch(oauth->ctx, &what, &got, &why) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "The %s of %s cannot be reached: %s", call->what,
                         oauth->title, why.text);
    read_answer(&got, ret_answer);
    json_decref(got.headers);
    if (got.body)
        gnutls_memset(got.body, 0, got.body_len); /* it may hold tokens */
    oauth->host->mem_free(got.body);
    return 0;
}

void oauth_answer_done(struct oauth_answer *answer)
{
    json_decref(answer->json);
    free(answer->next);
}

int oauth_unexpected(const struct oauth *oauth, const struct oauth_call *call,
                     const struct oauth_answer *answer, struct ein_error *err)
{
    if (answer->status != 200)
        return error_set(err, EIN_E_UNAVAILABLE, "The %s of %s answers with status %d.", call->what,
                         oauth->title, answer->status);
    return error_set(err, EIN_E_UNAVAILABLE, "The %s of %s sent an unexpected answer.", call->what,
                     oauth->title);
}

int oauth_get(const struct oauth *oauth, const char *what, const char *url, const char *token,
              struct oauth_answer *ret_answer, struct ein_error *err)
{
    EIN_SECRET char *header = str_print("Authorization: Bearer %s", token);
    struct oauth_answer answer = { 0 };
    int r;

    if (!header)
        return error_no_memory(err);
    const struct oauth_call call = { .what = what, .url = url, .header = header };
    r = oauth_call(oauth, &call, &answer, err);
    if (r == 0 && answer.status == 401)
        r = error_set(err, EIN_E_NOT_FOUND, "%s no longer accepts its own token.", oauth->title);
    else if (r == 0 && (answer.status != 200 || !answer.json))
        r = oauth_unexpected(oauth, &call, &answer, err);
    if (r < 0) {
        oauth_answer_done(&answer);
        return r;
    }
    *ret_answer = answer;
    return 0;
}
