/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "log.h"
#include <stdbool.h>

enum {
    LOG_LINE_MAX = 8192,    /* bytes of a line with its newline; longer ones are cut */
    LOG_MESSAGE_MAX = 4096, /* bytes of a message, before escaping */
    LOG_PRIORITY_LEN = 3,   /* "<6>" */
    LOG_STAMP_SIZE = 25     /* "2026-01-31T23:59:59.123Z" and a NUL */
};

struct log_entry {
    int level; /* enum ein_level */
    const char *source, *request_id, *message;
    size_t message_len;
};

/* One line, secrets removed, in which nothing a client sent can pass for another line.  stamp NULL
 * (text only): who receives it knows the time, and is told the priority before it (sd-daemon(3)).
 * Returns its length. */
size_t log_line_entry(char line[LOG_LINE_MAX], bool is_json, const char *stamp,
                      const struct log_entry *entry);
size_t log_line_access(char line[LOG_LINE_MAX], bool is_json, const char *stamp,
                       const struct log_access *access);
