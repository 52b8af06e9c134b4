/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of an answer, and who is woken: plugins/chat/live.c, without a server. */
#include "cleanup.h"
#include "live.h"
#include "unit.h"
#include <einion/plugin.h>

#include <stdio.h>
#include <string.h>

enum { PLENTY = 1 << 20, SOON_MS = 20000, READERS = 8, PIECES = 5000 };

static int set_up(void **state)
{
    struct lives *lives = calloc(1, sizeof(*lives));

    *state = lives;
    return lives_init(lives);
}

static int tear_down(void **state)
{
    struct lives *lives = *state;
    size_t left = lives->by_id.count;

    lives_done(lives);
    free(lives);
    return left == 0 ? 0 : -1; /* somebody did not leave */
}

static int add(struct live *live, enum live_kind kind, const char *text)
{
    return live_add(live, 1, kind, text, strlen(text), PLENTY);
}

/* The next piece is KIND and TEXT. */
static void expect(struct live *live, struct live_place *place, enum live_kind kind,
                   const char *text)
{
    EIN_FREE char *bytes = NULL;
    enum live_kind found = LIVE_NOTHING;
    size_t len = 0;

    for (int i = 0; i < 3 && found == LIVE_NOTHING; i++) /* news may come before pieces */
        found = live_next(live, place, 0, &bytes, &len);
    assert_int_equal(found, kind);
    assert_string_equal(bytes, text);
    assert_int_equal(len, strlen(text));
}

static void expect_nothing(struct live *live, struct live_place *place)
{
    char *bytes;
    size_t len;

    assert_int_equal(live_next(live, place, 0, &bytes, &len), LIVE_NOTHING);
}

static void one_ticket_is_one_thing_as_long_as_somebody_is_there(void **state)
{
    struct lives *lives = *state;
    struct live *first = live_enter(lives, "a"), *second = live_enter(lives, "a");
    struct live *other = live_enter(lives, "b");

    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    live_leave(lives, first);
    assert_ptr_equal(live_enter(lives, "a"), second);
    live_leave(lives, second);
    live_leave(lives, second);
    live_leave(lives, other);
    live_leave(lives, NULL);
    live_poke(lives, "nobody");
}

static void pieces_come_in_order_and_text_that_waits_is_joined(void **state)
{
    struct lives *lives = *state;
    struct live *live = live_enter(lives, "a");
    struct live_place place = { 0 }, late = { 0 };

    live_begin(live, 1);
    assert_int_equal(add(live, LIVE_TEXT, "a"), 0);
    expect(live, &place, LIVE_TEXT, "a");
    expect_nothing(live, &place);
    assert_int_equal(add(live, LIVE_TEXT, "b"), 0);
    assert_int_equal(add(live, LIVE_THOUGHT, "c"), 0);
    assert_int_equal(add(live, LIVE_TOOL_CALL, "{}"), 0);
    assert_int_equal(add(live, LIVE_TOOL_CALL, "[]"), 0);
    expect(live, &place, LIVE_TEXT, "b");
    expect(live, &place, LIVE_THOUGHT, "c");
    expect(live, &place, LIVE_TOOL_CALL, "{}");
    expect(live, &place, LIVE_TOOL_CALL, "[]");
    assert_int_equal(place.count, 5);
    expect(live, &late, LIVE_TEXT, "ab");
    assert_int_equal(late.count, 2);
    live_leave(lives, live);
}

static void a_place_that_somebody_says_is_found_or_the_beginning(void **state)
{
    static const struct {
        struct live_place place;
        const char *next;
    } cases[] = { { { .attempt = 1, .count = 0 }, "ab" },
                  { { .attempt = 1, .count = 1 }, "b" },
                  { { .attempt = 1, .count = 3 }, "ab" }, /* so many there are not */
                  { { .attempt = 2, .count = 1 }, "ab" },
                  { { .attempt = 1, .count = UINT64_MAX }, "ab" },
                  { { .attempt = 1, .count = 2 }, NULL } };
    struct lives *lives = *state;
    struct live *live = live_enter(lives, "a");

    live_begin(live, 1);
    (void)add(live, LIVE_TEXT, "a");
    (void)add(live, LIVE_TEXT, "b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct live_place place = cases[i].place;

        if (cases[i].next)
            expect(live, &place, LIVE_TEXT, cases[i].next);
        else
            expect_nothing(live, &place);
        assert_int_equal(place.attempt, 1);
    }
    live_leave(lives, live);
}

static void a_maximum_is_kept(void **state)
{
    struct lives *lives = *state;
    struct live *live = live_enter(lives, "a");
    int r = 0, count = 0;

    live_begin(live, 1);
    while (r == 0 && count++ < 1000)
        r = live_add(live, 1, LIVE_TEXT, "0123456789", 10, 1000);
    assert_int_equal(r, EIN_E_TOO_LARGE);
    assert_true(live->pieces.len <= 1000 + 10);
    assert_int_equal(live_add(live, 1, LIVE_TEXT, "", 0, SIZE_MAX), 0);
    assert_int_equal(live_add(live, 1, LIVE_TEXT, "x", SIZE_MAX, 1000), EIN_E_TOO_LARGE);
    live_leave(lives, live);
}

static int fail_on(enum live_kind kind, const char *bytes, size_t len, void *data)
{
    ++*(int *)data;
    return -1;
}

static void an_attempt_that_was_overtaken_adds_and_ends_nothing(void **state)
{
    struct lives *lives = *state;
    struct live *live = live_enter(lives, "a");
    struct live_place place = { 0 };
    int called = 0;

    live_begin(live, 1);
    (void)add(live, LIVE_TEXT, "old");
    expect(live, &place, LIVE_TEXT, "old");
    live_begin(live, 2);
    assert_int_equal(add(live, LIVE_TEXT, "late"), EIN_E_CANCELLED);
    live_end(live, 1);
    assert_true(live_runs(live));
    assert_int_equal(live_each(live, 1, fail_on, &called), 0);
    assert_int_equal(called, 0);
    assert_int_equal(live_add(live, 2, LIVE_TEXT, "new", 3, PLENTY), 0);
    expect(live, &place, LIVE_TEXT, "new");
    assert_int_equal(place.attempt, 2);
    assert_int_equal(live_each(live, 2, fail_on, &called), -1);
    live_end(live, 2);
    assert_false(live_runs(live));
    live_leave(lives, live);
}

/* ---- threads ---- */

struct reader {
    pthread_t thread;
    struct live *live;
    size_t len;
    bool ordered;
};

static void *read_all(void *data)
{
    struct reader *reader = data;
    struct live_place place = { 0 };

    reader->ordered = true;
    for (;;) {
        EIN_FREE char *bytes = NULL;
        bool ended = place.attempt && !live_runs(reader->live);
        size_t len;

        if (live_next(reader->live, &place, ended ? 0 : SOON_MS, &bytes, &len) == LIVE_NOTHING) {
            if (ended)
                return NULL;
            continue;
        }
        for (size_t i = 0; i < len; i++)
            reader->ordered &= bytes[i] == (char)('a' + reader->len++ % 26);
    }
}

static void many_readers_miss_nothing_and_are_woken_at_the_end(void **state)
{
    struct lives *lives = *state;
    struct live *live = live_enter(lives, "a");
    struct reader readers[READERS] = { 0 };

    for (int i = 0; i < READERS; i++) {
        readers[i].live = live;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    live_begin(live, 1);
    for (int i = 0; i < PIECES; i++) {
        const char piece = (char)('a' + i % 26);

        assert_int_equal(live_add(live, 1, LIVE_TEXT, &piece, 1, PLENTY), 0);
    }
    live_end(live, 1);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].len, PIECES);
        assert_true(readers[i].ordered);
    }
    live_leave(lives, live);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_ticket_is_one_thing_as_long_as_somebody_is_there),
        TEST(pieces_come_in_order_and_text_that_waits_is_joined),
        TEST(a_place_that_somebody_says_is_found_or_the_beginning),
        TEST(a_maximum_is_kept),
        TEST(an_attempt_that_was_overtaken_adds_and_ends_nothing),
        TEST(many_readers_miss_nothing_and_are_woken_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
