/* SPDX-License-Identifier: Apache-2.0 */
#include "bearer.h"

#include "str.h"

#include <stdio.h>
#include <string.h>

enum { CHALLENGE_MAX = 128 };

const char *bearer_token(const struct ein_http *http, const struct ein_req *req)
{
    return str_bearer(http->header(req, "Authorization"));
}

static const char *if_api_key(const char *token)
{
    return token && strncmp(token, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1) == 0 ? token : NULL;
}

const char *bearer_api_key(const struct ein_http *http, const struct ein_req *req)
{
    const char *key = if_api_key(bearer_token(http, req));

    return key ? key : if_api_key(http->header(req, "x-api-key"));
}

bool bearer_is_ours(const char *token)
{
    return if_api_key(token) ||
           strncmp(token, DEMO_TOKEN_PREFIX, sizeof(DEMO_TOKEN_PREFIX) - 1) == 0;
}

int bearer_refuse(const struct ein_http *http, struct ein_req *req, const char *reason)
{
    char challenge[CHALLENGE_MAX];

    (void)snprintf(challenge, sizeof(challenge),
                   "Bearer realm=\"einion\", error=\"invalid_token\", reason=\"%s\"", reason);
    return http->set_header(req, "WWW-Authenticate", challenge) < 0 ? EIN_E_NO_MEMORY : 0;
}
