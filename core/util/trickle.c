/* SPDX-License-Identifier: Apache-2.0 */
#include "trickle.h"
#include "cleanup.h"
#include "clock.h"

void trickle_init(struct trickle *trickle)
{
    *trickle = (struct trickle){ 0 };
    (void)pthread_mutex_init(&trickle->lock, NULL);
}

void trickle_done(struct trickle *trickle)
{
    (void)pthread_mutex_destroy(&trickle->lock);
}

bool trickle_may_keep(struct trickle *trickle, uint32_t *ret_left_out)
{
    int64_t second = clock_mono_ms() / 1000;

    EIN_LOCKED(&trickle->lock);
    if (trickle->second != second) {
        trickle->second = second;
        trickle->kept = 0;
    }
    if (trickle->kept == TRICKLE_PER_S) {
        trickle->left_out++;
        return false;
    }
    trickle->kept++;
    *ret_left_out = trickle->left_out;
    trickle->left_out = 0;
    return true;
}
