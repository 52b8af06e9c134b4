/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "clock.h"
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHUT   (UINT64_C(1) << 63)
#define INSIDE UINT64_C(0xffffffff)

/* The half of `state` that counts, as the kernel sees it.  Waiting on the state itself means
 * that a leaver touches no memory after its last subtraction: a wake of an address whose gate
 * has been freed meanwhile wakes nobody. */
static uint32_t *count_word(struct gate *gate)
{
    return (uint32_t *)&gate->state + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

void gate_init(struct gate *gate)
{
    __atomic_store_n(&gate->state, SHUT, __ATOMIC_RELEASE);
}

void gate_open(struct gate *gate)
{
    (void)__atomic_and_fetch(&gate->state, ~SHUT, __ATOMIC_RELEASE);
}

bool gate_enter(struct gate *gate)
{
    if (!(__atomic_fetch_add(&gate->state, 1, __ATOMIC_ACQUIRE) & SHUT))
        return true;
    gate_leave(gate);
    return false;
}

void gate_leave(struct gate *gate)
{
    uint32_t *word = count_word(gate);
    uint64_t before = __atomic_fetch_sub(&gate->state, 1, __ATOMIC_RELEASE);

    if (before == (SHUT | 1))
        (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void gate_shut(struct gate *gate)
{
    (void)__atomic_or_fetch(&gate->state, SHUT, __ATOMIC_ACQ_REL);
}

bool gate_drain(struct gate *gate, uint32_t timeout_ms)
{
    struct timespec until = clock_deadline(timeout_ms);

    for (;;) {
        uint64_t inside = gate_inside(gate);

        if (inside == 0)
            return true;
        /* WAIT_BITSET takes an absolute CLOCK_MONOTONIC time. */
        if (syscall(SYS_futex, count_word(gate), FUTEX_WAIT_BITSET_PRIVATE, (uint32_t)inside,
                    &until, NULL, FUTEX_BITSET_MATCH_ANY) < 0 &&
            errno == ETIMEDOUT)
            return gate_inside(gate) == 0;
    }
}

uint64_t gate_inside(const struct gate *gate)
{
    return __atomic_load_n(&gate->state, __ATOMIC_ACQUIRE) & INSIDE;
}
