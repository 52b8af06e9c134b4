/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client.h"
#include "unit.h"
#include "upstream.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A client, and the server it fetches from. */
extern struct upstream upstream;
extern struct client *client;

struct reply {
    int r;
    struct ein_fetched got;
    struct ein_error err;
};

/* A body of `left` bytes, each of them 1. */
struct sender {
    size_t left, calls;
    int64_t fail; /* instead of a piece, once this many calls were made */
    pthread_t thread;
};

/* path: "/..." of that server, or a whole URL. */
struct reply run(struct ein_fetch *what, const char *path);
struct reply run_on(struct client *of, struct ein_fetch *what, const char *path);
struct ein_fetch by_operator(void);
struct reply get(const char *path);
void done(struct reply *reply);
const char *header(const struct reply *reply, const char *name);
void assert_ok(const struct reply *reply);
void assert_fails(const struct reply *reply, int code, const char *text);
/* What /echo says that it was sent. */
json_t *echoed(const struct reply *reply);
const char *sent_header(const json_t *echo, const char *name);
/* An on_send for struct sender. */
int64_t send_piece(void *data, void *piece, size_t size);

int client_world_setup(void **state);
int client_world_teardown(void **state);
