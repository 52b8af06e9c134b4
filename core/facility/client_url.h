/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* A checked http or https URL. */
struct client_url {
    char *text; /* normal form, no fragment */
    char *host; /* without brackets; numeric forms of IPv4 made dotted */
    uint16_t port;
    bool tls;
    bool has_user; /* user:password@ */
};

/* Remembers the last URLs: a vendor is called at the same few.  Any thread. */
struct url_memo;
struct url_memo *url_memo_new(void); /* NULL: no memory */
void url_memo_free(struct url_memo *memo);
/* INVALID: not a URL, too long, neither http nor https. */
int url_memo_parse(struct url_memo *memo, const char *text, struct client_url *ret_url,
                   struct ein_error *err);

/* Where `location` leads from `base`. */
int client_url_follow(const struct client_url *base, const char *location,
                      struct client_url *ret_url, struct ein_error *err);
void client_url_done(struct client_url *url);

bool client_url_same_origin(const struct client_url *a, const struct client_url *b);
