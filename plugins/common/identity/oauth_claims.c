/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "oauth.h"
#include "str.h"

#include <strings.h>

bool oauth_lists(const json_t *array, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach(array, i, item)
    {
        if (json_is_string(item) && strcasecmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* As much of what somebody calls themselves, or others call a group, as is shown; NULL: nothing. */
static json_t *shown_name(const char *name)
{
    return name ? json_stringn(name, (size_t)str_cut(name, OAUTH_NAME_MAX)) : NULL;
}

int oauth_add_workspace(const struct oauth *oauth, json_t *workspaces, const char *kind,
                        const char *id, const char *title, bool admin, struct ein_error *err)
{
    json_t *made;

    if (json_array_size(workspaces) >= OAUTH_WORKSPACES_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "%s names more than %d workspaces.", oauth->title,
                         OAUTH_WORKSPACES_MAX);
    made = json_pack("{s:o, s:s, s:o, s:o, s:n}", "id",
                     json_sprintf("%s:%s:%s", oauth->name, kind, id), "role",
                     admin ? "admin" : "member", "name", shown_name(title), "source",
                     json_sprintf("%s_%s", oauth->name, kind), "description");
    if (json_array_append_new(workspaces, made) < 0)
        return error_no_memory(err);
    return 0;
}

int oauth_claims(const struct oauth *oauth, const char *id, const char *name, const char *email,
                 json_t *take_workspaces, json_t **ret_claims, struct ein_error *err)
{
    EIN_JSON json_t *workspaces = take_workspaces;
    size_t len = id ? strlen(id) : 0;
    json_t *claims;

    if (len == 0 || len > OAUTH_SUBJECT_MAX)
        return error_set(err, EIN_E_INVALID, "%s does not say who this is.", oauth->title);
    if (email && strlen(email) > OAUTH_EMAIL_MAX)
        email = NULL;
    claims = json_pack("{s:o, s:o*, s:s*, s:s, s:O}", "uid", json_sprintf("%s:%s", oauth->name, id),
                       "name", shown_name(name), "email", email, "provider", oauth->name,
                       "workspaces", workspaces);
    if (!claims)
        return error_no_memory(err);
    *ret_claims = claims;
    return 0;
}

static const char *id_of(const struct oauth *oauth, const char *uid)
{
    size_t len = strlen(oauth->name);

    return uid && strncmp(uid, oauth->name, len) == 0 && uid[len] == ':' ? uid + len + 1 : NULL;
}

const char *oauth_id_of(const struct oauth *oauth, const json_t *claims)
{
    return id_of(oauth, text_of(claims, "uid"));
}

int oauth_about(const char *title, const char *icon, json_t **ret_about, struct ein_error *err)
{
    *ret_about = json_pack("{s:s, s:s}", "displayName", title, "icon", icon);
    return *ret_about ? 0 : error_no_memory(err);
}

/* ---- grants ---- */

/* "login/NAME/ID"; free(). */
static char *grant_name(const struct oauth *oauth, const char *id)
{
    return str_print("login/%s/%s", oauth->name, id);
}

static const struct ein_service *vault_of(const struct oauth *oauth)
{
    const struct ein_service *service = NULL;

    return oauth->host->acquire(oauth->ctx, EIN_VAULT, NULL, &service) < 0 ? NULL : service;
}

bool oauth_grants_kept(const struct oauth *oauth)
{
    const struct ein_service *service = vault_of(oauth);

    oauth->host->release(oauth->ctx, service);
    return service != NULL;
}

void oauth_grant_keep(const struct oauth *oauth, const char *id, const char *token)
{
    const struct ein_service *service = vault_of(oauth);
    EIN_FREE char *name = grant_name(oauth, id);
    struct ein_error why = { 0 };

    if (!service)
        return;
    const struct ein_vault *vault = service->vtable;
    if (!name || vault->put(service->impl, name, token, &why) < 0)
        oauth->host->log_msg(oauth->ctx, EIN_WARN, "The refresh token of %s was not stored: %s",
                             oauth->title, why.text);
    oauth->host->release(oauth->ctx, service);
}

int oauth_grant_get(const struct oauth *oauth, const char *id, char **ret_token,
                    struct ein_error *err)
{
    const struct ein_service *service = vault_of(oauth);
    EIN_FREE char *name = grant_name(oauth, id);
    char *secret = NULL;
    int r;

    if (!service || !name) {
        oauth->host->release(oauth->ctx, service);
        return error_set(err, EIN_E_UNSUPPORTED, "Without a vault %s cannot be asked again.",
                         oauth->title);
    }
    const struct ein_vault *vault = service->vtable;
    r = vault->get(service->impl, name, &secret, err);
    if (r == 0) {
        *ret_token = strdup(secret);
        vault->wipe(service->impl, secret);
        r = *ret_token ? 0 : error_no_memory(err);
    } else if (r == EIN_E_NOT_FOUND) {
        r = error_set(err, EIN_E_UNSUPPORTED, "%s gave no refresh token.", oauth->title);
    }
    oauth->host->release(oauth->ctx, service);
    return r;
}

int oauth_grant_drop(const struct oauth *oauth, const char *id, struct ein_error *err)
{
    const struct ein_service *service = vault_of(oauth);
    EIN_FREE char *name = grant_name(oauth, id);
    int r = name ? EIN_E_NOT_FOUND : error_no_memory(err);

    if (service && name) {
        const struct ein_vault *vault = service->vtable;
        r = vault->del(service->impl, name, err);
    }
    oauth->host->release(oauth->ctx, service);
    return r;
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const char *id = id_of(impl, uid);
    int r = id ? oauth_grant_drop(impl, id, err) : EIN_E_NOT_FOUND;

    *ret_count = r == 0;
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

const struct ein_erasure oauth_erasure = { .struct_size = sizeof(oauth_erasure), .erase = erase };
