/* SPDX-License-Identifier: Apache-2.0 */
#include "tracing.h"
#include "unit.h"

#include "clock.h"
#include "gate.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN   "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

enum { SEEN_MAX = 8, TEXT_MAX = 128 };

struct seen {
    int64_t began_ns, ended_ns;
    char trace_id[33], span_id[17], parent_id[17], name[TEXT_MAX], error[TEXT_MAX];
    json_t *attributes;
};

struct fixture {
    struct tracing *tracing;
    struct gate gate;
    struct seen seen[SEEN_MAX];
    size_t count;
};

static void on_span(const struct ein_span_told *span, void *data)
{
    struct fixture *it = data;
    struct seen *seen = &it->seen[it->count++];

    assert_true(it->count < SEEN_MAX);
    assert_true(span->began_ns <= span->ended_ns);
    seen->began_ns = span->began_ns;
    seen->ended_ns = span->ended_ns;
    snprintf(seen->trace_id, sizeof(seen->trace_id), "%s", span->trace_id);
    snprintf(seen->span_id, sizeof(seen->span_id), "%s", span->span_id);
    snprintf(seen->parent_id, sizeof(seen->parent_id), "%s",
             span->parent_id ? span->parent_id : "");
    snprintf(seen->name, sizeof(seen->name), "%s", span->name);
    snprintf(seen->error, sizeof(seen->error), "%s", span->error ? span->error : "");
    seen->attributes = json_incref((json_t *)span->attributes);
}

static int setup(void **state)
{
    struct fixture *it = calloc(1, sizeof(*it));

    gate_init(&it->gate);
    gate_open(&it->gate);
    *state = it;
    return tracing_new(&it->tracing);
}

static int teardown(void **state)
{
    struct fixture *it = *state;

    tracing_leave();
    tracing_free(it->tracing);
    for (size_t i = 0; i < it->count; i++)
        json_decref(it->seen[i].attributes);
    free(it);
    return 0;
}

static void watch(struct fixture *it, double share)
{
    assert_int_equal(tracing_watch(it->tracing, &it->gate, share, on_span, it), 0);
}

static const char *where(void)
{
    static char place[EIN_TRACEPARENT_SIZE];

    tracing_where(place);
    return place;
}

static void nobody_watches_and_nothing_is_recorded(void **state)
{
    struct fixture *it = *state;

    assert_false(tracing_is_on(it->tracing));
    assert_false(tracing_is_on(NULL));
    assert_null(tracing_begin_request(it->tracing, TRACE, NULL));
    assert_string_equal(where(), "");
    assert_null(tracing_begin(it->tracing, EIN_SPAN_CLIENT, "GET"));
    tracing_end(NULL, NULL, json_object());
}

static void a_trace_is_carried_on_though_nobody_watches(void **state)
{
    struct fixture *it = *state;
    char one[EIN_TRACEPARENT_SIZE], other[EIN_TRACEPARENT_SIZE];

    tracing_carry_on(it->tracing, true);
    assert_true(tracing_is_on(it->tracing));
    assert_null(tracing_begin_request(it->tracing, TRACE, "00-" TRACE "-" SPAN "-03"));
    tracing_onward(it->tracing, NULL, one);
    tracing_onward(it->tracing, NULL, other);
    assert_memory_equal(one, "00-" TRACE "-", 36);
    assert_string_equal(one + 52, "-01"); /* of the flags only the one we know */
    assert_string_not_equal(one, other);
    assert_null(strstr(one, SPAN));
    tracing_leave();
    tracing_onward(it->tracing, NULL, one);
    assert_string_equal(one, "");
}

static void spans_are_within_each_other(void **state)
{
    struct fixture *it = *state;

    watch(it, 0);
    assert_null(tracing_begin_request(it->tracing, TRACE, PARENT));
    struct ein_span *request = tracing_begin_known(it->tracing, PARENT, clock_mono_us() - 5000);
    struct ein_span *chat = tracing_begin(it->tracing, EIN_SPAN_CLIENT, "chat");
    struct ein_span *call = tracing_begin(it->tracing, EIN_SPAN_CLIENT, "POST");
    tracing_end(call, "503", json_pack("{s:s, s:i}", "server.address", "a.test", "server.port", 1));
    tracing_end(chat, NULL, json_object());
    tracing_name(request, "POST /chat");
    tracing_end(request, NULL, NULL);

    assert_int_equal(it->count, 3);
    assert_string_equal(it->seen[2].name, "POST /chat");
    assert_string_equal(it->seen[2].parent_id, SPAN);
    assert_string_equal(it->seen[1].parent_id, it->seen[2].span_id);
    assert_string_equal(it->seen[0].parent_id, it->seen[1].span_id);
    assert_string_equal(it->seen[0].trace_id, TRACE);
    assert_string_equal(it->seen[0].error, "503");
    assert_in_range(it->seen[2].ended_ns - it->seen[2].began_ns, 5000000, INT64_MAX);
    assert_in_range(it->seen[0].began_ns - it->seen[2].began_ns, 4000000, INT64_MAX);
    /* Who asks a model learns where that is from the request that was sent. */
    assert_true(json_equal(it->seen[1].attributes, it->seen[0].attributes));
    assert_string_equal(where(), PARENT);
}

static void another_thread_goes_on_with_it(void **state)
{
    struct fixture *it = *state;
    char place[EIN_TRACEPARENT_SIZE];

    watch(it, 1);
    struct ein_span *request = tracing_begin_request(it->tracing, TRACE, NULL);
    tracing_where(place);
    tracing_leave();
    assert_null(tracing_begin(it->tracing, EIN_SPAN_INTERNAL, "elsewhere"));
    tracing_enter(place);
    tracing_end(tracing_begin(it->tracing, EIN_SPAN_INTERNAL, "there"), NULL, NULL);
    tracing_enter("nonsense");
    assert_string_equal(where(), "");
    tracing_end(request, NULL, NULL);
    assert_int_equal(it->count, 2);
    assert_string_equal(it->seen[0].parent_id, it->seen[1].span_id);
    assert_string_equal(it->seen[1].parent_id, "");
}

static void a_client_decides_of_its_own_trace_and_the_share_of_others(void **state)
{
    struct fixture *it = *state;

    watch(it, 0.5);
    assert_null(tracing_begin_request(it->tracing, TRACE, "00-" TRACE "-" SPAN "-00"));
    assert_string_equal(where() + 52, "-00");
    assert_null(tracing_begin_request(it->tracing, "ffffffffffffffffff7f000000000000", NULL));
    tracing_end(tracing_begin_request(it->tracing, "00000000000000000080000000000000", NULL), NULL,
                NULL);
    assert_int_equal(it->count, 1);
}

/* Neither by the flag nor by an id that would always be in the share. */
static void a_stranger_does_not_decide(void **state)
{
    static const char wanted[] = "00-ffffffffffffffffffffffffffffffff-" SPAN "-01";
    struct fixture *it = *state;
    size_t taken = 0;

    watch(it, 0.5);
    for (int i = 0; i < 1000; i++) {
        struct ein_span *span = tracing_begin_request(it->tracing, TRACE, wanted);

        taken += span != NULL;
        it->count = 0;
        tracing_end(span, NULL, NULL);
    }
    assert_in_range(taken, 400, 600);
}

static void who_has_left_is_told_nothing(void **state)
{
    struct fixture *it = *state;

    watch(it, 1);
    struct ein_span *first = tracing_begin_request(it->tracing, TRACE, NULL);
    gate_shut(&it->gate);
    tracing_end(first, NULL, NULL);
    struct ein_span *second = tracing_begin_request(it->tracing, TRACE, NULL);
    tracing_withdraw(it->tracing, &it->gate);
    assert_false(tracing_is_on(it->tracing));
    tracing_end(second, NULL, NULL);
    assert_int_equal(it->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_watches_and_nothing_is_recorded),
        TEST(a_trace_is_carried_on_though_nobody_watches),
        TEST(spans_are_within_each_other),
        TEST(another_thread_goes_on_with_it),
        TEST(a_client_decides_of_its_own_trace_and_the_share_of_others),
        TEST(a_stranger_does_not_decide),
        TEST(who_has_left_is_told_nothing),
    };

    return cmocka_run_group_tests_name("tracing", tests, NULL, NULL);
}
