/* SPDX-License-Identifier: Apache-2.0 */
#include "from_here.h"

#include "ip.h"

bool is_from_here(const struct ein_http *http, const struct ein_req *req)
{
    const char *addr = http->client_addr(req);

    return addr && ip_is_loopback(addr) && !http->header(req, "X-Forwarded-For") &&
           !http->header(req, "X-Real-IP") && !http->header(req, "Forwarded");
}
