/* SPDX-License-Identifier: Apache-2.0 */
#include "asf.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"

#include <ctype.h>

enum { UID_MAX = 64 };

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    const struct asf *asf = impl;
    const struct oauth_param params[] = {
        { "state", login->state },
        { "redirect_uri", login->redirect_uri },
    };
    EIN_FREE char *url = OAUTH_QUERY(asf_text(asf, "oauth_init_url"), params);

    *ret_url = url ? asf->oauth.host->text_dup(url) : NULL;
    return *ret_url ? 0 : error_no_memory(err);
}

/* {uid, fullname, email} for the code. */
static int ask_who(const struct asf *asf, const char *code, struct oauth_answer *ret_answer,
                   struct ein_error *err)
{
    const struct oauth_param params[] = { { "code", code } };
    EIN_FREE char *url = OAUTH_QUERY(asf_text(asf, "oauth_callback_url"), params);
    const struct oauth_call call = { .what = "token endpoint", .url = url };
    int r = url ? oauth_call(&asf->oauth, &call, ret_answer, err) : error_no_memory(err);

    if (r < 0)
        return r;
    if (ret_answer->status >= 400 && ret_answer->status < 500)
        return error_set(err, EIN_E_INVALID, "%s refuses the code.", asf->oauth.title);
    if (ret_answer->status != 200 || !json_is_object(ret_answer->json))
        return oauth_unexpected(&asf->oauth, &call, ret_answer, err);
    return 0;
}

/* What is no account's name is not put to the directory, escaped or not. */
static bool is_uid(const char *uid)
{
    size_t len = uid ? strlen(uid) : 0;

    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)uid[i]))
            return false;
    return len > 0 && len <= UID_MAX;
}

/* The directory knows nobody by the case of their letters: who typed it in another is no other. */
static bool take_uid(const char *said, char ret_uid[UID_MAX + 1])
{
    size_t i = 0;

    if (!is_uid(said))
        return false;
    for (; said[i]; i++)
        ret_uid[i] = (char)tolower((unsigned char)said[i]);
    ret_uid[i] = '\0';
    return true;
}

static int exchange(void *impl, const struct ein_login *login, json_t **ret_claims,
                    struct ein_error *err)
{
    const struct asf *asf = impl;
    EIN_ANSWER struct oauth_answer answer = { 0 };
    json_t *workspaces = NULL;
    int r = oauth_check_callback(&asf->oauth, login, NULL, false, err);

    if (r == 0)
        r = ask_who(asf, login->code, &answer, err);
    if (r < 0)
        return r;
    const char *name = text_of(answer.json, "fullname");
    char uid[UID_MAX + 1];
    if (!take_uid(text_of(answer.json, "uid"), uid))
        return error_set(err, EIN_E_INVALID, "%s does not say who this is.", asf->oauth.title);
    r = asf_workspaces(asf, uid, &workspaces, err);
    if (r < 0)
        return r;
    return oauth_claims(&asf->oauth, uid, name && *name ? name : uid, text_of(answer.json, "email"),
                        workspaces, ret_claims, err);
}

/* Name and address are as they were at the login: OAuth cannot be asked again, the directory can.
 */
static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    const struct asf *asf = impl;
    const char *uid = oauth_id_of(&asf->oauth, claims);
    json_t *workspaces = NULL;
    int r;

    if (!is_uid(uid))
        return error_set(err, EIN_E_INVALID, "This user is not from %s.", asf->oauth.title);
    r = asf_workspaces(asf, uid, &workspaces, err);
    if (r < 0)
        return r;
    return oauth_claims(&asf->oauth, uid, text_of(claims, "name"), text_of(claims, "email"),
                        workspaces, ret_claims, err);
}

static int describe(void *impl, json_t **ret_about, struct ein_error *err)
{
    const struct asf *asf = impl;

    return oauth_about(asf->oauth.title, "asf", ret_about, err);
}

const struct ein_auth_provider asf_provider = {
    .struct_size = sizeof(asf_provider),
    .login_url = login_url,
    .exchange = exchange,
    .describe = describe,
    .refresh = refresh,
};
