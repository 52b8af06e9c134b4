/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host.h"
#include "jobs.h"
#include "server.h"
#include "server_service.h"
#include <stdbool.h>

/* What server.c and the subcommands share. */
struct server {
    struct server_setup setup;
    struct config *config;
    char **plugin_dirs;
    struct host_rooms rooms;
    struct jobs_owner jobs; /* the server's own */
    struct http *http;
    struct openapi *openapi;
    struct lifecycle *lifecycle;
    struct listener *listener;
    struct server_service service;
    json_t *listening; /* the section `listen` that it was started with; NULL: not yet */
    char *admin_password;
};

/* Configuration and rooms, no plugin yet.  Says why it failed. */
int server_new(const struct server_setup *setup, struct server **ret_server);
/* Takes down and frees, from any state that server_new() reached; returns R.  TIMEOUT: calls of
 * plugins have not come back, and all that they may use stays. */
int server_end(struct server *server, int r);

/* On stderr; return the code. */
int server_say(const struct ein_error *err);
int server_say_faults(const char *faults, int code); /* a line each */

bool server_has_auth_provider(const struct server *server);
/* Nobody is let in without a login from anywhere but this machine; see login_check.h. */
int server_check_login(const struct server *server, bool has_provider, struct ein_error *err);
