/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdint.h>

struct ein_req;

enum { DENIALS_PER_S = 20 }; /* that are written; of more there is one line */

/* How many refusals were written to the audit of late; all requests share it. */
struct denials {
    pthread_mutex_t lock;
    int64_t second;             /* guarded by lock, as are both counts */
    uint32_t written, left_out; /* of that second; since the last that was written */
};

void denials_init(struct denials *denials);
void denials_done(struct denials *denials);

/* Tells audit/1, if there is one, that this request was refused: 403, a wrong login, 429. */
void denial_tell(const struct ein_req *req);
