/* SPDX-License-Identifier: Apache-2.0 */
/* Read-only connections, each opened when it is first needed. */
#pragma once

#include "sqlite.h"

struct readers;

struct readers *readers_new(struct sqlite *store, int count); /* whose path is known */
void readers_free(struct readers *readers);

/* Waits until one is free.  It sees every write that has been answered. */
int readers_take(struct readers *readers, struct db **ret_db, struct ein_error *err);
void readers_give(struct readers *readers, struct db *db);
/* The same, and there is no other from now on; nobody else has one. */
void readers_give_only(struct readers *readers, struct db *db);
