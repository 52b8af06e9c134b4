/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct ein_req;

/* Tells audit/1, if there is one, that this request was refused: 403, a wrong login, 429. */
void denial_tell(const struct ein_req *req);
