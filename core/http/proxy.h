/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct ein_req;

/* Whom a request is from, and how it came, where proxies that are trusted stand before this
 * server: sets req->client_addr and req->is_https.  What anybody else says of that is not believed.
 */
void proxy_read(struct ein_req *req);

/* Has a proxy, trusted or not, sent this on for somebody who is not on this machine? */
bool proxy_names_stranger(const struct ein_req *req);
