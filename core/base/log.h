/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The server's log: one line an entry, text or JSON, to stderr, a file, the journal or syslog.
 * Secrets are removed from every entry.  Any thread. */
struct log;

/* settings: {"level": "debug|info|warn|error|off", "format": "text|json", "to": "stderr|journal|
 * syslog|/a/file", "access": bool}. */
int log_new(const json_t *settings, struct log **ret_log, struct ein_error *err);
void log_free(struct log *log); /* writes out what is buffered */
/* SIGHUP: takes over level, format and access; reopens the file. */
int log_reload(struct log *log, const json_t *settings, struct ein_error *err);

/* source: "server", or the name of a plugin instance. request_id may be NULL. */
void log_write(struct log *log, int level, const char *source, const char *request_id,
               const char *fmt, ...) EIN_PRINTF(5, 6);
void log_vwrite(struct log *log, int level, const char *source, const char *request_id,
                const char *fmt, va_list args);

struct log_access {
    const char *method, *path; /* as the client sent them; escaped by the log */
    const char *operation_id, *request_id, *trace_id, *client_addr, *uid; /* may be NULL */
    const char *key_id; /* the API key that they came with, or NULL */
    const char *said;   /* why the request was not done, or NULL */
    bool own_id;        /* the request's id was made here */
    int status;
    size_t reply_len;
    uint64_t duration_us;
};
/* Buffered: at most LOG_FLUSH_MS late. */
void log_access(struct log *log, const struct log_access *access);
