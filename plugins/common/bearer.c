/* SPDX-License-Identifier: Apache-2.0 */
#include "bearer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CHALLENGE_MAX = 128 };

const char *bearer_token(const struct ein_http *http, const struct ein_req *req)
{
    static const char scheme[] = "Bearer";
    const char *header = http->header(req, "Authorization");
    size_t len = sizeof(scheme) - 1;

    if (!header || strncasecmp(header, scheme, len) != 0 || header[len] != ' ')
        return NULL;
    header += len + strspn(header + len, " ");
    return *header == '\0' || strcmp(header, "null") == 0 ? NULL : header;
}

bool bearer_is_ours(const char *token)
{
    return strncmp(token, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1) == 0 ||
           strncmp(token, DEMO_TOKEN_PREFIX, sizeof(DEMO_TOKEN_PREFIX) - 1) == 0;
}

int bearer_refuse(const struct ein_http *http, struct ein_req *req, const char *reason)
{
    char challenge[CHALLENGE_MAX];

    (void)snprintf(challenge, sizeof(challenge),
                   "Bearer realm=\"einion\", error=\"invalid_token\", reason=\"%s\"", reason);
    return http->set_header(req, "WWW-Authenticate", challenge) < 0 ? EIN_E_NO_MEMORY : 0;
}
