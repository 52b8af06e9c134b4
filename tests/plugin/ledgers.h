/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers of two servers on one store, and many callers of both. */
#pragma once

#include "two_servers.h"
#include <einion/services.h>

#define USER "dev_stub:alice"
#define NANO INT64_C(1000000000)

enum { CALLERS = 64 };

struct server {
    struct fake_host *host;
    struct fake_plugin *users;
    const struct ein_ledger *ledger;
    void *impl;
};

struct fixture {
    struct two_servers *both;
    struct server server[SERVERS];
    struct ein_payer key; /* calls are this one's; no user_id: its user's */
    char journal[128];    /* "": there is none */
    /* test_purse */
    struct ein_store store; /* what the first one sees */
    int refusals;           /* of the store, still to come */
};

void open_server(struct fixture *fixture, int number, json_t *take_config);
void close_server(struct fixture *fixture, int number);
void empty_folder(const char *folder); /* and takes it away; "": there is none */

/* The store, past all ledgers. */
int64_t number(struct fixture *fixture, const char *set, const char *id, const char *member);
int64_t left(struct fixture *fixture);
int64_t held(struct fixture *fixture);
int64_t sum_of(struct fixture *fixture, const char *set); /* of what they cost */
void set_integer(struct fixture *fixture, const char *set, const char *id, const char *member,
                 int64_t value);

int reserve_at(struct fixture *fixture, int at, int64_t bound, char hold[EIN_HOLD_SIZE]);
int settle_at(struct fixture *fixture, int at, const char *hold, int64_t cost);
void make_user(struct fixture *fixture, int64_t nano);

/* What became of them. */
struct calls {
    int paid, refused, failed;
};
/* Each of CALLERS makes COUNT calls, at either server. */
struct calls run(struct fixture *fixture, int64_t bound, int64_t cost, int count);
