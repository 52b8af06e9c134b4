/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that outlive the process until the store has them.
 *
 * Two files that take turns: while the lines of one go to the store, new ones are appended to the
 * other.  A line is one write(): it survives a kill when append() returns; it is no promise for a
 * loss of power.  Servers that share a folder have a pair of files each, held by a lock; whoever
 * starts reads the pairs of the dead as well. */
#pragma once

#include <einion/plugin.h>

struct journal;
/* 0 when the line is dealt with: it will not be shown again. */
typedef int journal_line(const char *line, size_t len, void *data, struct ein_error *err);

/* Takes a free pair in FOLDER, which is made.  Every line that a dead server left there goes to
 * `each` first; files whose lines are all dealt with are emptied. */
int journal_open(const char *folder, journal_line *each, void *data, struct journal **ret_journal,
                 struct ein_error *err);
/* The caller sees to it that no two of these run at once. */
int journal_append(struct journal *journal, const char *line, size_t len, struct ein_error *err);
/* The next lines go to the other file, which is empty. */
void journal_turn(struct journal *journal);
/* Empties the file that is not written to. */
int journal_forget(struct journal *journal, struct ein_error *err);
void journal_close(struct journal *journal); /* NULL is fine */
