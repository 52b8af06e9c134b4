/* SPDX-License-Identifier: Apache-2.0 */
/* Who is blocked: "users" says it, and each server knows it by heart.  A document of "user_blocks"
 * is written with each change, so that one look at it tells whether there was any. */
#pragma once

#include "users.h"

#define BLOCKS_SET "user_blocks" /* `_id` is "changes" */

struct blocks;

struct blocks *blocks_new(void); /* NULL: no memory */
void blocks_free(struct blocks *blocks);

bool blocks_has(struct blocks *blocks, const char *uid); /* waits for nothing; uid may be NULL */

/* Reads who is blocked, if that has changed; what is known stays where it cannot be read. */
int blocks_read(const struct users *users, struct ein_error *err);
/* The same from time to time: other servers block somebody too. */
void blocks_look(void *users);

extern const struct ein_blocks blocks_service;
