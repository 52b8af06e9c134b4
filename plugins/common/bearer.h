/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* What an API key of einion begins with, and the token of a demo's page; no other token does. */
#define API_KEY_PREFIX    "eink_"
#define DEMO_TOKEN_PREFIX "eind_"

/* What a program is told that has sent no key. */
#define API_KEY_MISSING                                                                            \
    "There is no API key of einion in this request: send one as \"Authorization: Bearer "          \
    "eink_...\" or \"x-api-key: eink_...\"."

/* The token of `Authorization: Bearer TOKEN`, lent by the request, as str_bearer() reads it. */
const char *bearer_token(const struct ein_http *http, const struct ein_req *req);

/* What may be an API key of einion: that token, or what clients of Anthropic's API send in its
 * place; NULL: there is none. */
const char *bearer_api_key(const struct ein_http *http, const struct ein_req *req);

/* einion has made this token itself, it seems: providers of logins leave it to whoever did. */
bool bearer_is_ours(const char *token);

/* Tells the client why its token is refused (RFC 6750, 3): "token_expired", ...  0 or NO_MEMORY. */
int bearer_refuse(const struct ein_http *http, struct ein_req *req, const char *reason);
