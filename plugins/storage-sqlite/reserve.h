/* SPDX-License-Identifier: Apache-2.0 */
/* Space that is kept for what frees space.
 *
 * A file beside the store holds it on the disk.  When the disk is full that file is given up, and
 * the store is full: nothing is written but what makes it smaller, until the disk has room for the
 * file again, or as much is free within the store.  Of the largest size that the store may have a
 * part is kept in the same way. */
#pragma once

#include "sqlite.h"

struct reserve;

int reserve_new(struct sqlite *store, struct reserve **ret_reserve, struct ein_error *err);
void reserve_free(struct reserve *reserve); /* NULL is fine; the file stays */

/* After a write has met a full disk: a part of it.  False: there is nothing to give. */
bool reserve_give_up(struct reserve *reserve);
/* Between two transactions: how it stands with the store. */
void reserve_look(struct reserve *reserve, struct db *db);
/* It has to be looked at from time to time, also if nothing happens. */
bool reserve_is_gone(const struct reserve *reserve);

bool reserve_is_full(const struct reserve *reserve);
/* What takes something away or replaces it (EASES), and leaves GROWTH bytes more than before. */
bool reserve_lets_pass(const struct reserve *reserve, bool eases, int64_t growth);
