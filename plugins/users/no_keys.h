/* SPDX-License-Identifier: Apache-2.0 */
/* Who has no key of their own, for a moment: nearly every call asks, and the store is slow to say
 * no.  What is not there is remembered, never a key. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct no_keys;

struct no_keys *no_keys_new(uint32_t ms); /* how long; NULL: no memory */
void no_keys_free(struct no_keys *no_keys);

/* Was it said within the time that the vault holds nothing by NAME?  Else a ticket for
 * no_keys_put(). */
bool no_keys_has(struct no_keys *no_keys, const char *name, uint64_t *ret_ticket);
/* Unless a key was put since the ticket was drawn: what was read before it does not come back. */
void no_keys_put(struct no_keys *no_keys, const char *name, uint64_t ticket);
void no_keys_forget(struct no_keys *no_keys); /* everything */
