/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "somebody.h"

int claims_make(const struct auth_session *self, const char *provider, const json_t *said,
                json_t **ret_claims, struct ein_error *err)
{
    EIN_JSON json_t *claims = NULL;
    int r = somebody_make(self->host, self->ctx, provider, said, "cookie", &claims, err);

    if (r < 0)
        return r;
    if (json_object_set_new(claims, "admin", json_boolean(claims_is_site_admin(self, said))) < 0)
        return error_no_memory(err);
    *ret_claims = EIN_TAKE(claims);
    return 0;
}

bool claims_is_site_admin(const struct auth_session *self, const json_t *said)
{
    return json_is_true(json_object_get(said, "admin")) ||
           list_has(self->site_admins, text_of(said, "uid"));
}

bool claims_may_log_in(const json_t *claims)
{
    return somebody_is_member(claims) || json_is_true(json_object_get(claims, "admin"));
}
