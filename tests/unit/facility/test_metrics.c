/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "unit.h"

#include <einion/services.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    return metrics_new((struct metrics **)state);
}

static int teardown(void **state)
{
    metrics_free(*state);
    return 0;
}

static void assert_tells(struct metrics *metrics, const char *line)
{
    char *text = NULL;

    assert_int_equal(metrics_text(metrics, &text, NULL), 0);
    if (!strstr(text, line))
        fail_msg("no '%s' in:\n%s", line, text);
    free(text);
}

static void counters_grow_and_gauges_move(void **state)
{
    static const char *const labels[] = { "route", "/a", "status", "200", NULL };
    struct metrics *metrics = *state;
    struct metric *counter = metrics_counter(metrics, "requests_total", "Requests", labels);
    struct metric *gauge = metrics_gauge(metrics, "inside", NULL, NULL);

    metric_add(counter, 1);
    metric_add(counter, 1.5);
    metric_add(counter, -7);
    metric_set(counter, 9);
    metric_set(gauge, 5);
    metric_add(gauge, -7.25);
    assert_ptr_equal(metrics_counter(metrics, "requests_total", NULL, labels), counter);
    assert_tells(metrics, "# HELP requests_total Requests\n# TYPE requests_total counter\n"
                          "requests_total{route=\"/a\",status=\"200\"} 2.5\n");
    assert_tells(metrics, "# TYPE inside gauge\ninside -2.25\n");
}

static void a_histogram_counts_below_each_bound(void **state)
{
    static const char *const labels[] = { "op", "get", NULL };
    struct metrics *metrics = *state;
    struct metric *histogram = metrics_histogram(metrics, "took_seconds", "Took", labels);

    metric_observe(histogram, 0.0005);
    metric_observe(histogram, 0.002);
    metric_observe(histogram, 1000);
    assert_tells(metrics, "# TYPE took_seconds histogram\n");
    assert_tells(metrics, "took_seconds_bucket{op=\"get\",le=\"0.0005\"} 1\n");
    assert_tells(metrics, "took_seconds_bucket{op=\"get\",le=\"0.001\"} 1\n");
    assert_tells(metrics, "took_seconds_bucket{op=\"get\",le=\"0.0025\"} 2\n");
    assert_tells(metrics, "took_seconds_bucket{op=\"get\",le=\"300\"} 2\n");
    assert_tells(metrics, "took_seconds_bucket{op=\"get\",le=\"+Inf\"} 3\n");
    assert_tells(metrics, "took_seconds_count{op=\"get\"} 3\n");
    assert_tells(metrics, "took_seconds_sum{op=\"get\"} 1000.0025");
}

static void a_histogram_of_no_seconds_counts_in_powers(void **state)
{
    struct metrics *metrics = *state;
    struct metric *histogram = metrics_histogram(metrics, "tokens", NULL, NULL);

    metric_observe(histogram, 1);
    metric_observe(histogram, 5000);
    metric_observe(histogram, 67108865);
    assert_tells(metrics, "tokens_bucket{le=\"1\"} 1\n");
    assert_tells(metrics, "tokens_bucket{le=\"4096\"} 1\n");
    assert_tells(metrics, "tokens_bucket{le=\"16384\"} 2\n");
    assert_tells(metrics, "tokens_bucket{le=\"67108864\"} 2\n");
    assert_tells(metrics, "tokens_bucket{le=\"268435456\"} 3\n");
}

static void the_same_words_find_the_same_series(void **state)
{
    static const char *const empty[] = { "a", "", NULL }, *const b[] = { "a", "b", NULL },
                             *const half[] = { "a", NULL };
    struct metrics *metrics = *state;
    struct metric *first = metrics_counter(metrics, "c", NULL, empty);

    assert_non_null(first);
    assert_ptr_equal(metrics_counter(metrics, "c", NULL, empty), first);
    assert_ptr_not_equal(metrics_counter(metrics, "c", NULL, b), first);
    assert_null(metrics_counter(metrics, "c", NULL, half));
    assert_null(metrics_counter(metrics, "c", NULL, NULL));
    assert_null(metrics_gauge(metrics, "c", NULL, empty));
}

static void values_and_help_are_escaped(void **state)
{
    static const char *const labels[] = { "what", "a\"b\\c\nd", NULL };
    static const char *const bytes[] = { "what", "\xff\xfe", NULL };
    struct metrics *metrics = *state;

    metric_add(metrics_counter(metrics, "odd_total", "Line\nand \\ and \"", labels), 1);
    metric_add(metrics_counter(metrics, "odd_total", NULL, bytes), 2);
    assert_tells(metrics, "# HELP odd_total Line\\nand \\\\ and \"\n");
    assert_tells(metrics, "odd_total{what=\"a\\\"b\\\\c\\nd\"} 1\n");
    assert_tells(metrics, "odd_total{what=\"\"} 2\n");
}

/* Looks for what has these labels. */
struct search {
    const char *const *labels;
    struct ein_metric found;
    double bound;
    uint64_t count;
};

static int look(const struct ein_metric *metric, void *data)
{
    struct search *search = data;

    for (size_t i = 0; search->labels[i] || metric->labels[i]; i++)
        if (!search->labels[i] || !metric->labels[i] ||
            strcmp(search->labels[i], metric->labels[i]) != 0)
            return 0;
    search->found = *metric;
    if (metric->kind == EIN_METRIC_HISTOGRAM) {
        search->bound = metric->bounds[metric->bound_count - 1];
        search->count = metric->counts[metric->bound_count];
    }
    return 7;
}

static void each_series_is_shown_as_it_was_given(void **state)
{
    static const char *const odd[] = { "a", "x\"=,\\n\n", "b", "", NULL };
    static const char *const none[] = { NULL };
    struct metrics *metrics = *state;
    struct search search = { .labels = odd };

    metric_add(metrics_counter(metrics, "odd_total", "Odd", odd), 3);
    assert_int_equal(metrics_each(metrics, look, &search), 7);
    assert_string_equal(search.found.name, "odd_total");
    assert_int_equal(search.found.kind, EIN_METRIC_COUNTER);
    assert_true(search.found.value == 3);

    metric_observe(metrics_histogram(metrics, "took_seconds", NULL, none), 1e9);
    search.labels = none;
    assert_int_equal(metrics_each(metrics, look, &search), 7);
    assert_int_equal(search.found.kind, EIN_METRIC_HISTOGRAM);
    assert_true(search.bound == 300);
    assert_int_equal(search.count, 1);
    search.labels = (const char *const[]){ "nobody", "has it", NULL };
    assert_int_equal(metrics_each(metrics, look, &search), 0);
}

static void a_long_value_is_cut_at_a_character(void **state)
{
    char value[METRICS_VALUE_MAX + 2], wanted[METRICS_VALUE_MAX + 64];
    const char *labels[] = { "v", value, NULL };
    struct metrics *metrics = *state;

    memset(value, 'a', METRICS_VALUE_MAX - 1);
    memcpy(value + METRICS_VALUE_MAX - 1, "\xc3\xa9", 3);
    metric_add(metrics_counter(metrics, "long_total", NULL, labels), 1);
    (void)snprintf(wanted, sizeof wanted, "long_total{v=\"%.*s\"} 1\n", METRICS_VALUE_MAX - 1,
                   value);
    assert_tells(metrics, wanted);
}

static void a_series_is_found_again_however_long_its_labels_are(void **state)
{
    char value[8192];
    const char *labels[] = { "v", value, NULL };
    struct metrics *metrics = *state;

    for (size_t len = 1; len < sizeof(value); len *= 2) {
        memset(value, 'a', len);
        value[len] = '\0';
        struct metric *metric = metrics_counter(metrics, "again_total", NULL, labels);
        assert_non_null(metric);
        assert_ptr_equal(metrics_counter(metrics, "again_total", NULL, labels), metric);
        value[0] = 'b';
        assert_ptr_not_equal(metrics_counter(metrics, "again_total", NULL, labels), metric);
    }
}

static void what_prometheus_would_not_read_is_not_made(void **state)
{
    static const char *const bad_names[] = { "", "1a", "a-b", "a b", "\xc3\xa9", NULL };
    static const char *const bad_labels[][3] = {
        { "le", "1", NULL }, { "a:b", "1", NULL }, { "__x", "1", NULL }, { "a", NULL, NULL }
    };
    struct metrics *metrics = *state;

    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++)
        assert_null(metrics_counter(metrics, bad_names[i], NULL, NULL));
    for (size_t i = 0; i < sizeof bad_labels / sizeof bad_labels[0]; i++)
        assert_null(metrics_histogram(metrics, "h", NULL, bad_labels[i]));
    assert_null(metrics_counter(metrics, "process_open_fds", NULL, NULL));
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe(NULL, 1);
}

static void one_name_has_one_kind_and_one_set_of_labels(void **state)
{
    static const char *const labels[] = { "a", "1", NULL }, *const others[] = { "b", "1", NULL };
    struct metrics *metrics = *state;

    assert_non_null(metrics_counter(metrics, "x_total", NULL, labels));
    assert_null(metrics_gauge(metrics, "x_total", NULL, labels));
    assert_null(metrics_counter(metrics, "x_total", NULL, others));
    assert_null(metrics_counter(metrics, "x_total", NULL, NULL));
}

static void too_many_values_become_other(void **state)
{
    struct metrics *metrics = *state;

    for (int i = 0; i < METRICS_SERIES_MAX + 100; i++) {
        char value[16];
        const char *labels[] = { "id", value, NULL };

        (void)snprintf(value, sizeof value, "%d", i);
        metric_add(metrics_counter(metrics, "wide_total", NULL, labels), 1);
    }
    assert_tells(metrics, "wide_total{id=\"255\"} 1\n");
    assert_tells(metrics, "wide_total{id=\"other\"} 100\n");
}

static void too_many_names_are_refused(void **state)
{
    struct metrics *metrics = *state;
    char name[32];

    for (int i = 0; i < METRICS_FAMILIES_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%d_total", i);
        assert_non_null(metrics_counter(metrics, name, NULL, NULL));
    }
    assert_null(metrics_counter(metrics, "one_more_total", NULL, NULL));
}

static void the_process_tells_of_itself(void **state)
{
    struct metrics *metrics = *state;
    char *text = NULL, *at;
    double resident = 0, start = 0;

    assert_int_equal(metrics_text(metrics, &text, NULL), 0);
    at = strstr(text, "\nprocess_resident_memory_bytes ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " process_resident_memory_bytes %lf", &resident), 1);
    assert_true(resident > 500e3 && resident < 4e9);
    at = strstr(text, "\nprocess_start_time_seconds ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " process_start_time_seconds %lf", &start), 1);
    assert_true(start > 1.5e9);
    assert_non_null(strstr(text, "\nprocess_open_fds "));
    assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
    free(text);
}

static void *count_often(void *data)
{
    struct metrics *metrics = data;
    struct metric *held = metrics_counter(metrics, "held_total", NULL, NULL);

    for (int i = 0; i < 10000; i++) {
        char value[8];
        const char *labels[] = { "i", value, NULL };

        (void)snprintf(value, sizeof value, "%d", i % 50);
        metric_add(held, 1);
        metric_add(metrics_counter(metrics, "looked_up_total", NULL, labels), 1);
        metric_observe(metrics_histogram(metrics, "seen_seconds", NULL, NULL), 0.01);
    }
    return NULL;
}

static void no_count_is_lost_among_threads(void **state)
{
    struct metrics *metrics = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_often, metrics), 0);
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_tells(metrics, "held_total 40000\n");
    assert_tells(metrics, "looked_up_total{i=\"0\"} 800\n");
    assert_tells(metrics, "looked_up_total{i=\"49\"} 800\n");
    assert_tells(metrics, "seen_seconds_count 40000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counters_grow_and_gauges_move),
        TEST(a_histogram_counts_below_each_bound),
        TEST(a_histogram_of_no_seconds_counts_in_powers),
        TEST(the_same_words_find_the_same_series),
        TEST(values_and_help_are_escaped),
        TEST(each_series_is_shown_as_it_was_given),
        TEST(a_long_value_is_cut_at_a_character),
        TEST(a_series_is_found_again_however_long_its_labels_are),
        TEST(what_prometheus_would_not_read_is_not_made),
        TEST(one_name_has_one_kind_and_one_set_of_labels),
        TEST(too_many_values_become_other),
        TEST(too_many_names_are_refused),
        TEST(the_process_tells_of_itself),
        TEST(no_count_is_lost_among_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
