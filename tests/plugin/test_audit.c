/* SPDX-License-Identifier: Apache-2.0 */
/* audit/1: a log in which every change shows. */
#include "cleanup.h"
#include "two_servers.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 20, WRITERS = 32, EACH = 20 };

struct fixture {
    struct two_servers *both;
    struct fake_plugin *plugin[SERVERS];
    const struct ein_audit *audit[SERVERS];
    void *impl[SERVERS];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->both = two_servers_new("storage-memory");
    for (int i = 0; i < SERVERS; i++) {
        fixture->plugin[i] = open_started(fixture->both->host[i], "audit", NULL);
        const struct ein_service *service = fake_host_service(fixture->both->host[i], EIN_AUDIT);
        fixture->audit[i] = service->vtable;
        fixture->impl[i] = service->impl;
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < SERVERS; i++)
        fake_plugin_close(fixture->plugin[i]);
    two_servers_free(fixture->both);
    free(fixture);
    return 0;
}

static int append(struct fixture *fixture, int server, json_t *event)
{
    return fixture->audit[server]->append(fixture->impl[server], event, NULL);
}

static void fill(struct fixture *fixture)
{
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(
            append(fixture, i % SERVERS,
                   json_pack("{s:s, s:s, s:{s:i, s:f, s:n, s:[s, b]}}", "action", "tested", "actor",
                             "me", "details", "b", i, "a", 0.1 * i, "n", "l", "é", 1)),
            0);
}

static void name_entry(int number, char id[32])
{
    snprintf(id, 32, "%020d", number);
}

static json_t *entry(struct fixture *fixture, int number)
{
    char id[32];

    name_entry(number, id);
    return store_read(fixture->both, "audit", id);
}

static void put_entry(struct fixture *fixture, int number, const json_t *doc)
{
    char id[32];

    name_entry(number, id);
    store_put(fixture->both, "audit", id, doc);
}

static void del_entry(struct fixture *fixture, int number)
{
    char id[32];

    name_entry(number, id);
    store_del(fixture->both, "audit", id);
}

static void expect_count(struct fixture *fixture, uint64_t expected)
{
    struct ein_error err;
    uint64_t count = 0;

    if (fixture->audit[0]->verify(fixture->impl[0], &count, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(count, expected);
}

static void expect_wrong(struct fixture *fixture, const char *text)
{
    struct ein_error err = { 0 };
    uint64_t count;

    assert_int_equal(fixture->audit[1]->verify(fixture->impl[1], &count, &err), EIN_E_INVALID);
    assert_string_equal(err.text, text);
}

/* ---- ---- */

static void what_was_written_is_right(void **state)
{
    struct fixture *fixture = *state;

    expect_count(fixture, 0);
    fill(fixture);
    expect_count(fixture, ENTRIES);
}

static void every_member_is_covered(void **state)
{
    static const char *const members[] = { "timestamp", "action",  "actor", "target",
                                           "address",   "outcome", "mac" };
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *good = entry(fixture, 7);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        EIN_JSON json_t *bad = json_deep_copy(good);
        json_object_set_new(bad, members[i], json_string("x"));
        put_entry(fixture, 7, bad);
        expect_wrong(fixture, "Entry 7 of the audit log was changed");
    }
    EIN_JSON json_t *bad = json_deep_copy(good);
    json_object_set_new(json_object_get(bad, "details"), "b", json_integer(5));
    put_entry(fixture, 7, bad);
    expect_wrong(fixture, "Entry 7 of the audit log was changed");
    EIN_JSON json_t *more = json_deep_copy(good);
    json_object_set_new(more, "note", json_string("harmless"));
    put_entry(fixture, 7, more);
    expect_wrong(fixture, "Entry 7 of the audit log was changed");
    put_entry(fixture, 7, good);
    expect_count(fixture, ENTRIES);
}

static void what_was_taken_away_is_missed(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *seventh = entry(fixture, 7);
    del_entry(fixture, 7);
    expect_wrong(fixture, "Entry 7 of the audit log was taken away");
    put_entry(fixture, 7, seventh);
    EIN_JSON json_t *first = entry(fixture, 1);
    del_entry(fixture, 1);
    expect_wrong(fixture, "Entry 1 of the audit log was taken away");
    put_entry(fixture, 1, first);
    del_entry(fixture, ENTRIES);
    expect_wrong(fixture, "Entry 20 of the audit log was taken away, and all behind it");
}

static void what_was_put_in_is_noticed(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *doc = entry(fixture, 3);
    store_put(fixture->both, "audit", "00000000000000000003x", doc);
    expect_wrong(fixture, "Entry 4 of the audit log was put in");
    store_del(fixture->both, "audit", "00000000000000000003x");
    put_entry(fixture, ENTRIES + 1, doc);
    expect_wrong(fixture, "Entry 21 of the audit log was changed");
    del_entry(fixture, ENTRIES + 1);
    put_entry(fixture, ENTRIES + 5, doc);
    expect_wrong(fixture, "Entry 21 of the audit log was put in");
}

static void the_order_is_kept(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *fifth = entry(fixture, 5);
    EIN_JSON json_t *sixth = entry(fixture, 6);
    put_entry(fixture, 5, sixth);
    put_entry(fixture, 6, fifth);
    expect_wrong(fixture, "Entry 5 of the audit log was changed");
}

static void an_end_that_was_cut_off_is_missed(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *head = store_read(fixture->both, "audit_head", "head");
    append(fixture, 0, json_pack("{s:s}", "action", "later"));
    EIN_JSON json_t *later = store_read(fixture->both, "audit_head", "head");

    store_put(fixture->both, "audit_head", "head", head);
    expect_wrong(fixture, "The head of the audit log is older than its entries: it ends at 20, "
                          "and there are 21");
    store_put(fixture->both, "audit_head", "head", later);
    del_entry(fixture, ENTRIES + 1);
    expect_wrong(fixture, "Entry 21 of the audit log was taken away, and all behind it");

    EIN_JSON json_t *lie = json_deep_copy(later);
    json_object_set(lie, "seq", json_object_get(head, "seq"));
    store_put(fixture->both, "audit_head", "head", lie);
    expect_wrong(fixture, "The head of the audit log is not what einion has written");
    store_del(fixture->both, "audit_head", "head");
    expect_wrong(fixture, "The head of the audit log is gone");
}

/* Nor is a new chain begun behind what is wrong. */
static void no_entry_is_written_behind_a_head_that_is_wrong(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    EIN_JSON json_t *head = store_read(fixture->both, "audit_head", "head");
    json_object_set_new(head, "seq", json_integer(3));
    store_put(fixture->both, "audit_head", "head", head);
    assert_int_equal(append(fixture, 0, json_pack("{s:s}", "action", "x")), EIN_E_INVALID);
    assert_true(fake_host_logged(fixture->both->host[0], "An entry is missing from the audit log"));
    assert_int_equal(store_count(fixture->both, "audit"), ENTRIES);
}

static void what_is_no_event_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(append(fixture, 0, json_pack("{s:s}", "actor", "me")), EIN_E_INVALID);
    assert_int_equal(append(fixture, 0, json_pack("{s:i}", "action", 3)), EIN_E_INVALID);
    assert_int_equal(append(fixture, 0, json_pack("{s:s, s:s}", "action", "a", "details", "text")),
                     EIN_E_INVALID);
    assert_int_equal(append(fixture, 0, NULL), EIN_E_INVALID);
    expect_count(fixture, 0);
}

/* ---- many at once ---- */

struct writer {
    struct fixture *fixture;
    int number, failed;
    pthread_t thread;
};

static void *append_many(void *data)
{
    struct writer *writer = data;

    for (int i = 0; i < EACH; i++)
        writer->failed +=
            append(writer->fixture, writer->number % SERVERS,
                   json_pack("{s:s, s:{s:i}}", "action", "many", "details", "i", i)) != 0;
    return NULL;
}

static void servers_share_one_chain(void **state)
{
    struct fixture *fixture = *state;
    struct writer writers[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .fixture = fixture, .number = i };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, append_many, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failed, 0);
    }
    expect_count(fixture, WRITERS * EACH);
    assert_int_equal(store_count(fixture->both, "vault"), 1); /* one key */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_right),
        TEST(every_member_is_covered),
        TEST(what_was_taken_away_is_missed),
        TEST(what_was_put_in_is_noticed),
        TEST(the_order_is_kept),
        TEST(an_end_that_was_cut_off_is_missed),
        TEST(no_entry_is_written_behind_a_head_that_is_wrong),
        TEST(what_is_no_event_is_refused),
        TEST(servers_share_one_chain),
    };

    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
