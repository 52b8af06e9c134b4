/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* How often each address has been wrong of late: at most so many addresses are known, and the
 * oldest make room.  Any thread. */
struct wrong_logins;

enum { WRONG_LOGINS_WINDOW_MS = 60000, WRONG_LOGINS_WAITING_MAX = 64 };

/* NULL: no memory, or no random numbers. */
struct wrong_logins *wrong_logins_new(uint32_t addresses);
void wrong_logins_free(struct wrong_logins *it);

/* How often `addr` was wrong within the minute that began with the first of them; *ret_left_ms,
 * which may be NULL, is what is left of it. */
uint32_t wrong_logins_count(struct wrong_logins *it, const char *addr, uint32_t *ret_left_ms);
/* Once more; returns the count. */
uint32_t wrong_logins_add(struct wrong_logins *it, const char *addr, uint32_t *ret_left_ms);

/* Waits so long, unless too many wait already. */
void wrong_logins_wait(struct wrong_logins *it, uint32_t ms);
