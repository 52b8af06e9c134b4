/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The whole server: start order down, stop order up.  All functions are for the main thread. */
struct server;

struct server_setup {
    const char *config;      /* a file; NULL: the built-in default */
    const char *const *sets; /* "key=value", NULL-ended */
};

/* Each returns 0, or a negative enum ein_err after having said why on stderr.  After TIMEOUT calls
 * of plugins may still run, and the process has to end beneath them: by _exit(). */

/* Listening and answering when it returns. */
int server_start(const struct server_setup *setup, struct server **ret_server);
/* Takes over what may change while it runs; on an error everything stays as it was. */
int server_reload(struct server *server);
/* Not ready, then drained within limits.drain_ms, then down; frees.  Once *hurry, which another
 * thread may set atomically, the deadline is now. */
int server_stop(struct server *server, const bool *hurry);

/* The subcommands.  None of them listens, starts an instance or writes anywhere but to its
 * output (and server_backup() to its file). */
int server_check(const struct server_setup *setup);
int server_list_plugins(const struct server_setup *setup, FILE *out);
int server_list_routes(const struct server_setup *setup, FILE *out);
int server_plugin_info(const char *path, FILE *out);
int server_backup(const struct server_setup *setup, const char *path);

/* Subcommands that start what they need: the store, and who offers vault/1, audit/1 or transfer/1.
 * While a server uses the store they look at it, and the server does the writing; only an import
 * has to have it to itself. */
int server_rotate_keys(const struct server_setup *setup);
int server_transfer(const struct server_setup *setup, const char *place, bool is_import);
int server_audit_verify(const struct server_setup *setup);
