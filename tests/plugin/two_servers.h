/* SPDX-License-Identifier: Apache-2.0 */
/* Two servers on one store, with a vault each on one key file.  PostgreSQL has two clients; of the
 * other storages the second server is given the first one's.  What else they run is the test's to
 * open. */
#pragma once

#include "fake_host.h"

enum { SERVERS = 2 };

struct two_servers {
    int number; /* of all that the test has made */
    char folder[64], key_file[96];
    struct fake_host *host[SERVERS];
    struct fake_plugin *storage[SERVERS], *vault[SERVERS];
};

/* STORAGE: "storage-memory", "storage-sqlite" or "storage-postgres". */
struct two_servers *two_servers_new(const char *storage);
/* Close the other plugins first. */
void two_servers_free(struct two_servers *servers);
void two_servers_open_vault(struct two_servers *servers, int number);
void two_servers_close_vault(struct two_servers *servers, int number);

/* A plugin that has started, or the test fails. */
struct fake_plugin *open_started(struct fake_host *host, const char *name, json_t *take_config);

/* The store, past all plugins. */
json_t *store_read(struct two_servers *servers, const char *set, const char *id); /* NULL: none */
uint64_t store_count(struct two_servers *servers, const char *set);
void store_put(struct two_servers *servers, const char *set, const char *id, const json_t *doc);
void store_del(struct two_servers *servers, const char *set, const char *id);
