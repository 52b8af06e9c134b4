/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A deployed agent as a tool, and the two tools that stand for all of them. */

#define TOOL_SEARCH "search_agents"
#define TOOL_RUN    "run_agent"

enum { TOOL_NAME_SIZE = 65 }; /* bytes of a tool's name, with the NUL */

/* What the agent that is deployed as NAME is called as a tool: models take letters, digits, "_"
 * and "-" alone.  A name that has others, or is too long, is made another, with eight digits of its
 * hash behind it. */
void tool_name(const char *name, char ret_tool[TOOL_NAME_SIZE]);
bool tool_name_is_own(const char *tool);  /* can an agent be deployed as this, and keep it? */
bool tool_name_is_made(const char *tool); /* can it be one that was made? */

/* ENTRY (see catalog.h) as tools/list has it; json_decref; NULL: no memory.  `short_bytes` is how
 * long its description may be, which then is all that is told but the input; 0: everything. */
json_t *tool_of(const json_t *entry, size_t short_bytes);

/* What of TEXT (NULL: none) a short listing shows: its first line, cut between characters. */
json_t *tool_short_text(const char *text, size_t bytes);

/* The search tool, which says in its description that there are so many agents, and names those in
 * PAGE; the one that runs what it has found. */
json_t *tool_search(size_t count, const json_t *page, size_t names_bytes);
json_t *tool_run(void);
