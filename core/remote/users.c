/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include "cleanup.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include "takeout.h"
#include <stdio.h>

int users_list(struct session *session, char **words)
{
    static const struct print_column columns[] = {
        { "ID", "_id" },
        { "NAME", "basicInfo.displayName" },
        { "EMAIL", "basicInfo.email" },
        { "SINCE", "createdAt" },
        { "ALLOWANCE", "usageInfo.monthlyAllowance" },
        { "LEFT", "usageInfo.spendRemaining" },
        { "BLOCKED", "blocked.at" },
        { 0 },
    };
    EIN_JSON json_t *users = NULL;
    int status = session_get(session, &users, "/admin/users");

    (void)words;
    if (status == REMOTE_OK)
        print_list(stdout, session->options->json, users, columns);
    return status;
}

/* DELETE of /admin/users/UID and WHAT; how many there were. */
static int end_all(const struct session *session, const char *uid, const char *what,
                   const char *counted, json_int_t *ret_count)
{
    EIN_FREE char *path = session_path("admin/users", uid, what);
    struct call call = { .method = "DELETE", .path = path };
    int status = session_call(session, &call);

    *ret_count = integer_of(call.reply, counted);
    json_decref(call.reply);
    return status;
}

/* Sessions first: whoever has one makes keys. */
int users_revoke(struct session *session, char **words)
{
    json_int_t sessions, keys;
    int status = end_all(session, words[0], "/sessions", "deletedCount", &sessions);

    if (status == REMOTE_OK)
        status = end_all(session, words[0], "/keys", "revokedCount", &keys);
    if (status != REMOTE_OK)
        return status;
    if (session->options->json)
        (void)printf("{\"sessions\":%" JSON_INTEGER_FORMAT ",\"keys\":%" JSON_INTEGER_FORMAT "}\n",
                     sessions, keys);
    else
        print_line("%s: %" JSON_INTEGER_FORMAT " logins ended, %" JSON_INTEGER_FORMAT
                   " keys revoked",
                   words[0], sessions, keys);
    return status;
}

/* ---- keeping somebody out ---- */

/* An id is one user's; an address may be that of several, who logged in by several providers. */
static json_t *who_is(const json_t *users, const char *called)
{
    json_t *by_address = json_array();
    const json_t *user;
    size_t i;

    json_array_foreach(users, i, user)
    {
        const char *email = text_of(json_object_get(user, "basicInfo"), "email");

        if (str_eq(text_of(user, "_id"), called)) {
            json_decref(by_address);
            return json_pack("[O]", json_object_get(user, "_id"));
        }
        if (str_eq_case(email, called))
            (void)json_array_append(by_address, json_object_get(user, "_id"));
    }
    return by_address;
}

static int find_users(const struct session *session, const char *called, json_t **ret_ids)
{
    EIN_JSON json_t *users = NULL;
    EIN_JSON json_t *ids = NULL;
    int status = session_get(session, &users, "/admin/users");

    if (status != REMOTE_OK)
        return status;
    ids = who_is(users, called);
    if (json_array_size(ids) == 0 && session->options->force)
        (void)json_array_append_new(ids, json_string(called));
    if (json_array_size(ids) == 0)
        return print_failure(REMOTE_FAILED, "no user has the id or the address '%s'", called);
    *ret_ids = EIN_TAKE(ids);
    return REMOTE_OK;
}

static int change_block(const struct session *session, const char *id, const char *method,
                        const json_t *body, json_t *done)
{
    EIN_FREE char *path = session_path("admin/users", id, "/blocked");
    struct call call = { .method = method, .path = path, .body = body };
    int status = session_call(session, &call);

    if (status == REMOTE_OK && !session->options->json)
        print_line("%s: %s", id, body ? "blocked" : "unblocked");
    (void)json_array_append_new(done, call.reply ? call.reply : json_null());
    return status;
}

/* BODY NULL: unblock. */
static int change_blocks(const struct session *session, const char *called, const json_t *body)
{
    EIN_JSON json_t *ids = NULL;
    EIN_JSON json_t *done = json_array();
    const json_t *id;
    size_t i;
    int status = find_users(session, called, &ids);

    json_array_foreach(ids, i, id)
    {
        if (status == REMOTE_OK)
            status =
                change_block(session, json_string_value(id), body ? "PUT" : "DELETE", body, done);
    }
    if (status == REMOTE_OK && session->options->json)
        print_json(stdout, done);
    return status;
}

int users_block(struct session *session, char **words)
{
    EIN_JSON json_t *body = json_pack("{s:s?}", "reason", session->options->reason);

    if (!body)
        return print_failure(REMOTE_USAGE, "the reason is not UTF-8");
    return change_blocks(session, words[0], body);
}

int users_unblock(struct session *session, char **words)
{
    return change_blocks(session, words[0], NULL);
}

/* ---- forgetting somebody ---- */

int users_erase(struct session *session, char **words)
{
    EIN_FREE char *path = session_path("admin/users", words[0], "");
    struct call call = { .method = "DELETE", .path = path };
    int status = session_call(session, &call);
    EIN_JSON json_t *reply = call.reply;

    if (status == REMOTE_OK && session->options->json)
        print_json(stdout, reply);
    else if (status == REMOTE_OK && json_object_size(json_object_get(reply, "erased")) > 0)
        print_counts(words[0], " erased: ", json_object_get(reply, "erased"));
    else if (status == REMOTE_OK)
        print_counts(words[0], " had nothing", NULL);
    return status;
}

/* ---- handing over what is theirs ---- */

int users_takeout(struct session *session, char **words)
{
    EIN_JSON json_t *ids = NULL;
    int status = find_users(session, words[0], &ids);

    if (status != REMOTE_OK)
        return status;
    if (json_array_size(ids) > 1)
        return print_failure(REMOTE_FAILED, "several users have that address: name one by its ID");
    EIN_FREE char *path =
        session_path("admin/users", json_string_value(json_array_get(ids, 0)), "/export");

    return takeout_write(session, path, words[1]);
}
