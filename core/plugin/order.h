/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* Which instance starts when.  What an instance offers is known only once its init() has
 * published it, so all are initialised first, in the order of the configuration; then this puts
 * them in an order in which every publisher of what an instance needs has started before it.
 * Where the needs leave a choice, the order of the configuration stands. */
struct order_item {
    const char *name;
    const char *const *needs;  /* interfaces, NULL-ended; may be NULL */
    const char *const *offers; /* the same */
};

/* Writes the indices of all `items` in starting order into ret_order (count of them).  present
 * (NULL-ended, may be NULL): interfaces offered by what runs already.  INVALID: a need that nobody
 * meets, or a cycle, in words; *ret_at (may be NULL) is then an item that cannot start. */
int order_resolve(const struct order_item *items, size_t count, const char *const *present,
                  size_t *ret_order, size_t *ret_at, struct ein_error *err);
