/* SPDX-License-Identifier: Apache-2.0 */
/* Documents by set and id, shared with everyone who gets them.
 *
 * Only the writer changes documents, so an entry is true for as long as the writer
 * has not touched its document.  Before it commits a change it holds the document:
 * the entry goes, and nobody can put one back until the commit is over.  Whoever
 * read the file before that carries a ticket that is no longer good. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

/* At most about MAX_BYTES; 0: nothing is kept. */
struct cache *cache_new(size_t max_bytes);
void cache_free(struct cache *cache);

/* A new reference, or NULL and a ticket for cache_put(). */
json_t *cache_get(struct cache *cache, const char *set, const char *id, uint64_t *ret_ticket);
void cache_put(struct cache *cache, const char *set, const char *id, json_t *doc, uint64_t ticket);

/* The writer's: from here on the document is read from the file.  EIN_E_NO_MEMORY or 0. */
int cache_hold(struct cache *cache, const char *set, const char *id);
/* The commit is over, well or not: let go of all that is held. */
void cache_let_go(struct cache *cache);
