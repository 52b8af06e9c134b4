/* SPDX-License-Identifier: Apache-2.0 */
/* Which sets exist and which of their fields are indexed: {"SET": {"FIELD": N}},
 * where N is that of the column kN.  A catalog that was given out never changes. */
#pragma once

#include "db.h"

#include <jansson.h>

struct catalog;

struct catalog *catalog_new(void);
void catalog_free(struct catalog *catalog);

/* A new reference to the fields indexed in SET; NULL: there is no such set. */
json_t *catalog_set(struct catalog *catalog, const char *set);
/* Their names, an array; NULL: no memory. */
json_t *catalog_names(struct catalog *catalog);
void catalog_publish(struct catalog *catalog, json_t *sets);

/* What the file says, seen from inside DB's transaction. */
int catalog_read(struct db *db, json_t **ret_sets, struct ein_error *err);
