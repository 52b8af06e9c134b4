/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What people and scripts get to see.  A server's text can do nothing to a terminal. */

/* "einion: SENTENCE" on stderr; returns STATUS. */
int print_failure(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line for people on stdout. */
void print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* At the end of a command: STATUS, or 1 where stdout could not be written, which is said; who reads
 * no more (head) is told nothing. */
int print_end(int status);

/* TEXT without what moves cursors, colours, rings, or turns the direction of writing: each is a
 * '?', line ends and tabs too where `lines` is 0; free().  NULL: no memory. */
char *print_clean(const char *text, int lines);

/* What a cell of a table shows of VALUE, which may be NULL; free().  NULL: no memory. */
char *print_value(const json_t *value, int lines);

/* JSON on several lines, as the files of agents have it; free().  NULL: no memory. */
char *print_pretty(const json_t *json);
/* On one line; what would harm a terminal is escaped, so that it is still the same JSON. */
void print_json(FILE *out, const json_t *json);
/* The same on several. */
void print_json_pretty(FILE *out, const json_t *json);

/* One column of a table: a title, and the member that it shows. */
struct print_column {
    const char *title, *member; /* `member` may be a path, as in usage.costUsd */
};

/* ROWS, an array of objects, as JSON, or else as a table.  COLUMNS end with a title NULL. */
void print_list(FILE *out, bool json, const json_t *rows, const struct print_column *columns);

/* WHAT, then SAYS, then {"agents": 2, "demos": 1} as "2 agents, 1 demos". */
void print_counts(const char *what, const char *says, const json_t *counts);
