/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include "cleanup.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/users/me/keys"

enum { DAY_S = 86400 };

static const char no_keys[] = "this server has no API keys: without logins nobody needs one";

int keys_list(struct session *session, char **words)
{
    static const struct print_column columns[] = {
        { "ID", "_id" },
        { "NAME", "name" },
        { "BUDGET", "budget.limit" },
        { "PER", "budget.period" },
        { "LEFT", "budget.remaining" },
        { "ENDS", "expiresAt" },
        { "USED", "lastUsedAt" },
        { 0 },
    };
    struct call call = { .method = "GET", .path = PATH, .absent = no_keys };
    int status = session_call(session, &call);
    EIN_JSON json_t *keys = call.reply;

    (void)words;
    if (status == REMOTE_OK)
        print_list(stdout, session->options->json, keys, columns);
    return status;
}

/* ---- making one ---- */

/* "5/month", or "5". */
static int budget_of(const char *text, json_t **ret_budget)
{
    size_t len = strcspn(text, "/");
    EIN_JSON json_t *limit = json_loadb(text, len, JSON_DECODE_ANY, NULL);

    if (!json_is_number(limit) || (text[len] && !text[len + 1]))
        return print_failure(REMOTE_USAGE, "a budget is dollars, and a period, such as 5/month");
    *ret_budget =
        json_pack("{s:O, s:s*}", "limit", limit, "period", text[len] ? text + len + 1 : NULL);
    return *ret_budget ? REMOTE_OK : print_failure(REMOTE_FAILED, "no memory");
}

static int body_of(const struct options *options, const char *name, json_t **ret_body)
{
    EIN_JSON json_t *budget = NULL;
    uint64_t days = 0;
    int status = options->budget ? budget_of(options->budget, &budget) : REMOTE_OK;

    if (status != REMOTE_OK)
        return status;
    if (options->days)
        (void)str_to_u64(options->days, &days);
    *ret_body = json_pack("{s:s, s:o, s:o*, s:O*}", "name", name, "scopes",
                          list_split(options->scopes ? options->scopes : "models"), "models",
                          options->models ? list_split(options->models) : NULL, "budget", budget);
    if (*ret_body && days)
        (void)json_object_set_new(*ret_body, "expiresIn", json_integer((json_int_t)days * DAY_S));
    return *ret_body ? REMOTE_OK : print_failure(REMOTE_FAILED, "no memory");
}

int keys_create(struct session *session, char **words)
{
    EIN_JSON json_t *body = NULL;
    struct call call = { .method = "POST", .path = PATH, .absent = no_keys };
    int status = body_of(session->options, words[0], &body);

    if (status != REMOTE_OK)
        return status;
    call.body = body;
    status = session_call(session, &call);
    EIN_JSON json_t *made = call.reply;
    if (status == REMOTE_OK && session->options->json)
        print_json(stdout, made);
    else if (status == REMOTE_OK)
        print_line("%s", text_or_empty(made, "key"));
    return status;
}

int keys_revoke(struct session *session, char **words)
{
    EIN_FREE char *path = session_path("users/me/keys", words[0], "");
    struct call call = { .method = "DELETE", .path = path };
    int status = session_call(session, &call);

    json_decref(call.reply);
    if (status == REMOTE_OK && !session->options->json)
        print_line("revoked %s", words[0]);
    return status;
}
