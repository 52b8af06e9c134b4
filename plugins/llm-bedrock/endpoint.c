/* SPDX-License-Identifier: Apache-2.0 */
#include "bedrock.h"
#include "error.h"
#include "str.h"

#include <string.h>
#include <strings.h>

char *bedrock_base_url(const char *region)
{
    const char *china = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";

    return str_print("https://bedrock-runtime.%s.amazonaws.com%s", region, china);
}

/* A port that is the scheme's own is not in the Host header. */
static size_t host_len(const char *host, size_t len, bool https)
{
    const char *port = https ? ":443" : ":80";
    size_t port_len = strlen(port);

    if (len > port_len && memcmp(host + len - port_len, port, port_len) == 0)
        return len - port_len;
    return len;
}

int bedrock_endpoint(struct bedrock *bedrock, struct ein_error *err)
{
    const char *url = bedrock->vendor.base_url;
    bool https = strncasecmp(url, "https://", 8) == 0;
    const char *host = url + (https ? 8 : 7);
    size_t len = strcspn(host, "/?#");

    if (host[len] == '?' || host[len] == '#' || memchr(host, '@', len))
        return error_set(err, EIN_E_INVALID, "base_url: no user, query or fragment can be signed");
    bedrock->host = strndup(host, host_len(host, len, https));
    bedrock->path = strdup(host + len);
    return bedrock->host && bedrock->path ? 0 : error_no_memory(err);
}
