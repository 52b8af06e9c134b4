/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include "cleanup.h"
#include "member.h"
#include "print.h"
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
    int status = path ? session_call(session, &call) : print_failure(REMOTE_FAILED, "no memory");

    *ret_count = integer_of(call.reply, counted);
    json_decref(call.reply);
    return status;
}

/* Sessions first: whoever has one makes keys. */
int users_revoke(struct session *session, char **words)
{
    EIN_FREE char *id = print_clean(words[0], 0);
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
        (void)printf("%s: %" JSON_INTEGER_FORMAT " logins ended, %" JSON_INTEGER_FORMAT
                     " keys revoked\n",
                     id ? id : "", sessions, keys);
    return status;
}
