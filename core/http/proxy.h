/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct ein_req;

/* Whom a request is from, and how it came, where proxies that are trusted stand before this
 * server: sets req->client_addr and req->is_https.  What anybody else says of that is not believed.
 */
void proxy_read(struct ein_req *req);
