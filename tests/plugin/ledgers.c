/* SPDX-License-Identifier: Apache-2.0 */
#include "ledgers.h"
#include "unit.h"

#include "cleanup.h"

#include <dirent.h>
#include <stdio.h>

void open_server(struct fixture *fixture, int number, json_t *take_config)
{
    struct server *server = &fixture->server[number];
    const struct ein_service *service;

    server->host = fixture->both->host[number];
    server->users = open_started(server->host, "users", take_config);
    service = fake_host_service(server->host, EIN_LEDGER);
    server->ledger = service->vtable;
    server->impl = service->impl;
}

void close_server(struct fixture *fixture, int number)
{
    fake_plugin_close(fixture->server[number].users);
    fixture->server[number].users = NULL;
}

void empty_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[512];

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)remove(path);
    }
    if (dir)
        closedir(dir);
    (void)remove(folder);
}

/* ---- looking ---- */

int64_t number(struct fixture *fixture, const char *set, const char *id, const char *member)
{
    EIN_JSON json_t *doc = store_read(fixture->both, set, id);

    assert_non_null(doc);
    return json_integer_value(json_object_get(doc, member));
}

int64_t left(struct fixture *fixture)
{
    return number(fixture, "ledger_accounts", USER, "remainingNano");
}

int64_t held(struct fixture *fixture)
{
    return number(fixture, "ledger_accounts", USER, "heldNano");
}

static int add_cost(const json_t *entry, void *sum)
{
    *(int64_t *)sum += json_integer_value(json_object_get(entry, "costNano"));
    return 0;
}

int64_t sum_of(struct fixture *fixture, const char *set)
{
    struct fake_host *host = fixture->both->host[0];
    int64_t sum = 0;

    assert_int_equal(
        host->table.store->find(fake_host_ctx(host), set, NULL, add_cost, &sum, NULL, NULL), 0);
    return sum;
}

/* ---- doing ---- */

void set_integer(struct fixture *fixture, const char *set, const char *id, const char *member,
                 int64_t value)
{
    struct fake_host *host = fixture->both->host[0];
    EIN_JSON json_t *doc = json_pack("{s:I}", member, (json_int_t)value);
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = set, .id = id, .doc = doc };

    assert_int_equal(host->table.store->batch(fake_host_ctx(host), &op, 1, sizeof(op), NULL), 0);
}

int reserve_at(struct fixture *fixture, int at, int64_t bound, char hold[EIN_HOLD_SIZE])
{
    const struct server *server = &fixture->server[at];

    if (fixture->key.user_id)
        return server->ledger->reserve_key(server->impl, &fixture->key, bound, 0, hold, NULL);
    return server->ledger->reserve(server->impl, USER, bound, 0, hold, NULL);
}

int settle_at(struct fixture *fixture, int at, const char *hold, int64_t cost)
{
    const struct server *server = &fixture->server[at];
    const struct ein_ledger_entry entry = {
        .struct_size = sizeof(entry), .cost = cost, .user_id = USER, .model = "m"
    };

    return server->ledger->settle(server->impl, hold, &entry, NULL);
}

void make_user(struct fixture *fixture, int64_t nano)
{
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve_at(fixture, 0, 0, hold), 0);
    assert_int_equal(fixture->server[0].ledger->release(fixture->server[0].impl, hold, NULL), 0);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", nano);
}

/* ---- many callers ---- */

struct caller {
    struct fixture *fixture;
    int number;
    int64_t bound, cost;
    int count;
    struct calls calls;
    pthread_t thread;
};

static void *call(void *data)
{
    struct caller *caller = data;
    int at = caller->number % SERVERS;
    char hold[EIN_HOLD_SIZE];

    for (int i = 0; i < caller->count; i++) {
        int r = reserve_at(caller->fixture, at, caller->bound, hold);
        caller->calls.refused += r == EIN_E_DENIED;
        if (r == 0)
            r = settle_at(caller->fixture, at, hold, caller->cost - i % 3);
        caller->calls.paid += r == 0;
        caller->calls.failed += r < 0 && r != EIN_E_DENIED;
    }
    return NULL;
}

struct calls run(struct fixture *fixture, int64_t bound, int64_t cost, int count)
{
    struct caller callers[CALLERS];
    struct calls sum = { 0 };

    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){
            .fixture = fixture, .number = i, .bound = bound, .cost = cost, .count = count
        };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        sum.paid += callers[i].calls.paid;
        sum.refused += callers[i].calls.refused;
        sum.failed += callers[i].calls.failed;
    }
    return sum;
}
