/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* The messages of struct ein_llm_call for vendors that want user and assistant to alternate, and
 * the system's words apart. */
struct turns {
    json_t *system;   /* array of blocks: what it says before the assistant does */
    json_t *messages; /* array of {"role": "user"|"assistant", "content": array of blocks} */
};

/* Appends to `blocks` what the vendor calls `part`; nothing: it is left out. */
typedef int turns_part_fn(const json_t *part, json_t *blocks, void *data, struct ein_error *err);

/* Messages of one role that follow each other become one, those without blocks none; what tools
 * answered comes first in its message; the first is the user's.  turns_done() after success. */
int turns_read(const json_t *messages, turns_part_fn *part, void *data, struct turns *ret_turns,
               struct ein_error *err);
void turns_done(struct turns *turns);

/* {"name"} of each tool that was called, for vendors that want tools wherever one was, also where
 * none may be called any more; json_decref.  NULL: no memory. */
json_t *turns_tools(const json_t *messages);

/* A text of nothing but white space, which Claude's vendors refuse. */
bool turns_blank(const char *text);
/* Nor a message of the assistant that ends in thoughts, as an answer does that was cut off while it
 * thought: they are taken off, the message with them if it was nothing else.  `is_thought` tells of
 * the vendor's blocks. */
int turns_trim_thoughts(struct turns *turns, bool (*is_thought)(const json_t *block),
                        struct ein_error *err);
/* Stop sequences without those of white space, likewise; an array, maybe empty; json_decref.  NULL:
 * no memory. */
json_t *turns_stop(const json_t *stop);
/* So they do where the assistant has the last word, and that ends in white space: it is cut off. */
int turns_trim_end(struct turns *turns, struct ein_error *err);

/* The part's "replay" if it is of this wire, else NULL. */
const json_t *turns_replay(const json_t *part, const char *wire);

/* An id of a tool call as the Messages API and Converse take them: letters, digits, "_" and "-", at
 * most 64.  Others become one that is; the same id always the same one. */
enum { TURNS_ID_SIZE = 65 };
void turns_tool_id(const char *id, char ret_id[TURNS_ID_SIZE]);

/* The media type of an image: by its first bytes, where they are known, since Claude's vendors
 * refuse one that is said to be of another; else the part's own.  "": it has none. */
const char *turns_image_type(const json_t *part);

/* ID, or where it is longer than MAX, another one, the same for the same:
 * "PREFIX_0123456789abcdef". Lent, by `made` in that case. */
const char *turns_short_id(const char *id, size_t max, const char *prefix,
                           char made[TURNS_ID_SIZE]);
