/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's parts that need no process: settings, levels, ends, traces, admission. */
#include "admission.h"
#include "cleanup.h"
#include "death.h"
#include "fake_host.h"
#include "level.h"
#include "sandbox/protocol.h"
#include "trace.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- settings ---- */

static struct settings read_settings(const char *config)
{
    EIN_JSON json_t *json = json_loads(config, 0, NULL);
    struct settings settings;

    assert_int_equal(settings_read(json, &settings, NULL), 0);
    return settings;
}

static void the_schema_is_json_and_holds_every_limit(void **state)
{
    EIN_JSON json_t *schema = json_loads(settings_schema, JSON_REJECT_DUPLICATES, NULL);
    const json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *property;
    size_t numbers = 0;

    assert_non_null(properties);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(properties, "cpu_s"), "default")),
        read_settings("{}").limits.cpu_s);
    json_object_foreach((json_t *)properties, name, property)
    {
        const char *type = json_string_value(json_object_get(property, "type"));
        numbers += type && strcmp(type, "integer") == 0;
    }
    assert_int_equal(numbers, sizeof(struct limits) / sizeof(uint32_t));
}

static void isolation_is_strict_unless_another_level_is_named(void **state)
{
    struct settings settings;
    EIN_JSON json_t *off = json_pack("{s:s}", "isolation", "off");

    assert_int_equal(read_settings("{}").isolation, ISOLATION_STRICT);
    assert_int_equal(read_settings("{\"isolation\":\"container\"}").isolation, ISOLATION_CONTAINER);
    assert_int_equal(settings_read(off, &settings, NULL), EIN_E_INVALID);
}

static void a_virtual_environment_brings_its_interpreter(void **state)
{
    struct settings settings;
    struct ein_error err;
    EIN_JSON json_t *none = json_pack("{s:s}", "venv", "/nonexistent/venv");
    EIN_JSON json_t *hidden = json_pack("{s:s}", "venv", "/tmp/venv");

    assert_string_equal(read_settings("{}").python, "/usr/bin/python3");
    assert_string_equal(read_settings("{\"python\":\"/opt/p\"}").python, "/opt/p");
    assert_string_equal(read_settings("{\"python\":\"/opt/p\",\"venv\":\"/usr\"}").python,
                        "/usr/bin/python3");
    assert_int_equal(settings_read(none, &settings, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "venv: /nonexistent/venv/bin/python3: No such file or directory");
    assert_int_equal(settings_read(hidden, &settings, &err), EIN_E_INVALID);
    assert_non_null(strstr(err.text, "agents have a /tmp of their own"));
}

static void a_run_lowers_limits_but_raises_none(void **state)
{
    struct limits base = read_settings("{}").limits;
    EIN_JSON json_t *wanted = json_pack("{s:i, s:i, s:i, s:s}", "cpu_s", 5, "timeout_ms", 7200000,
                                        "processes", 2, "memory_mb", "64");
    struct limits limits = limits_lowered(&base, wanted);

    assert_int_equal(limits.cpu_s, 5);
    assert_int_equal(limits.timeout_ms, base.timeout_ms);
    assert_int_equal(limits.processes, base.processes);
    assert_int_equal(limits.memory_mb, base.memory_mb);
    assert_int_equal(limits_lowered(&base, NULL).cpu_s, base.cpu_s);
}

/* ---- levels ---- */

static int decide(unsigned house, int landlock, enum isolation required, struct level *level,
                  struct ein_error *err)
{
    char hello[256];
    int len = snprintf(hello, sizeof(hello),
                       "{\"python\":\"3.11.2\",\"house\":%u,\"landlock\":%d,\"threads\":1,"
                       "\"missing\":\"new namespaces: Operation not permitted\"}",
                       house, landlock);

    return level_decide(hello, (size_t)len, required, level, err);
}

static void what_the_machine_gives_decides_the_level(void **state)
{
    static const struct {
        unsigned house;
        int landlock;
        enum isolation reached;
        uint32_t layers;
    } cases[] = {
        { HOUSE_NAMESPACES | HOUSE_ROOT | HOUSE_UIDS, 7, ISOLATION_STRICT,
          LAYER_PIDS | LAYER_TMP | LAYER_UID | LAYER_LANDLOCK },
        { HOUSE_NAMESPACES | HOUSE_ROOT, 7, ISOLATION_STRICT,
          LAYER_PIDS | LAYER_TMP | LAYER_USER | LAYER_LANDLOCK },
        { HOUSE_NAMESPACES | HOUSE_ROOT, 0, ISOLATION_STRICT, LAYER_PIDS | LAYER_TMP | LAYER_USER },
        { HOUSE_NAMESPACES, 7, ISOLATION_STRICT, LAYER_PIDS | LAYER_USER | LAYER_LANDLOCK },
        { HOUSE_NAMESPACES, 0, ISOLATION_BEST_EFFORT, LAYER_PIDS | LAYER_USER | LAYER_NO_FILES },
        { HOUSE_UIDS, 7, ISOLATION_STRICT, LAYER_UID | LAYER_LANDLOCK },
        { 0, 7, ISOLATION_CONTAINER, LAYER_LANDLOCK },
        { 0, 2, ISOLATION_BEST_EFFORT, LAYER_NO_FILES },
        { 0, 0, ISOLATION_BEST_EFFORT, LAYER_NO_FILES },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct level level;
        struct ein_error err;
        assert_int_equal(
            decide(cases[i].house, cases[i].landlock, ISOLATION_BEST_EFFORT, &level, &err), 0);
        assert_int_equal(level.reached, cases[i].reached);
        assert_int_equal(level.layers, cases[i].layers);
    }
}

static void a_level_below_the_required_one_is_refused_with_the_missing_step(void **state)
{
    struct level level;
    struct ein_error err;

    assert_int_equal(decide(0, 7, ISOLATION_STRICT, &level, &err), EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "strict cannot be reached"));
    assert_non_null(strstr(err.text, "new namespaces: Operation not permitted"));
    assert_int_equal(decide(0, 7, ISOLATION_CONTAINER, &level, &err), 0);
    assert_int_equal(decide(0, 0, ISOLATION_CONTAINER, &level, &err), EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "landlock"));
}

static void an_interpreter_with_threads_is_refused(void **state)
{
    static const char hello[] = "{\"house\":7,\"landlock\":7,\"threads\":2}";
    struct level level;
    struct ein_error err;

    assert_int_equal(level_decide(hello, sizeof(hello) - 1, ISOLATION_BEST_EFFORT, &level, &err),
                     EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "threads"));
    assert_int_equal(level_decide("nope", 4, ISOLATION_BEST_EFFORT, &level, &err),
                     EIN_E_UNAVAILABLE);
}

/* ---- ends ---- */

static void every_end_has_its_reason(void **state)
{
    struct limits limits = { .cpu_s = 2 };

    assert_non_null(strstr(death_of(SIGSYS, 0, false, &limits).message, "forbidden system call"));
    assert_non_null(strstr(death_of(SIGSEGV, 0, false, &limits).message, "crashed"));
    assert_non_null(strstr(death_of(SIGKILL, 1950, false, &limits).message, "2 s of CPU time"));
    assert_non_null(strstr(death_of(SIGKILL, 100, false, &limits).message, "killed"));
    assert_string_equal(death_of(SIGKILL, 100, true, &limits).type, "MemoryError");
    assert_non_null(strstr(death_of(7 << 8, 0, false, &limits).message, "status 7"));
    assert_non_null(strstr(death_of(-1, 0, false, &limits).message, "restarted"));
    assert_non_null(strstr(death_of(SIGUSR1, 0, false, &limits).message, "signal 10"));
}

static void only_the_sandbox_itself_can_report_a_failed_step(void **state)
{
    static const char said[] = "isolation step landlock failed: Operation not permitted\n";

    assert_true(death_is_isolation(SANDBOX_STEP_EXIT << 8, said, sizeof(said) - 1));
    assert_false(death_is_isolation(1 << 8, said, sizeof(said) - 1));
    assert_false(death_is_isolation(SANDBOX_STEP_EXIT << 8, "bye", 3));
}

/* ---- traces ---- */

static int collect(const struct json_t *event, void *data)
{
    json_array_append(data, (json_t *)event);
    return 0;
}

static const char *member(const json_t *events, size_t index, const char *name)
{
    return json_string_value(json_object_get(json_array_get(events, index), name));
}

static void events_have_their_fields_in_order(void **state)
{
    static const char *const starts[] = { "type",  "ts",        "agent_name", "agent_id",
                                          "depth", "called_by", "source",     NULL };
    struct fake_host *host = fake_host_new();
    EIN_JSON json_t *events = json_array();
    struct trace trace = { .host = &host->table,
                           .sink = collect,
                           .data = events,
                           .lines_left = 10,
                           .bytes_left = INT64_MAX };
    const struct speaker who = { "echo", NULL, 1 };
    const char *name;
    json_t *value;
    size_t i = 0;

    trace_start(&trace, &who);
    trace_stdout(&trace, &who, "hi", 2, 0);
    trace_error(&trace, &who, "ValueError", "boom", "Traceback");
    trace_end(&trace, &who, 12, false);
    json_object_foreach(json_array_get(events, 0), name, value)
        assert_string_equal(name, starts[i++]);
    assert_null(starts[i]);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 1), "depth")), 2);
    assert_string_equal(member(events, 1, "source"), "stdout");
    assert_string_equal(member(events, 2, "exception_type"), "ValueError");
    assert_string_equal(member(events, 3, "outcome"), "error");
    assert_true(json_is_null(json_object_get(json_array_get(events, 3), "result_preview")));
    assert_int_equal(strlen(member(events, 0, "ts")), strlen("2024-02-29T12:00:00.000000Z"));
    fake_host_free(host);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct fake_host *host = fake_host_new();
    char text[TRACE_TEXT_MAX * 2 + 20];

    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    EIN_JSON json_t *cut = trace_text(&host->table, text, sizeof(text), 5);
    const char *shown = json_string_value(cut);
    assert_non_null(shown);
    assert_memory_equal(shown + TRACE_TEXT_MAX * 2, "\n... [truncated, 25 more bytes]", 32);

    EIN_JSON json_t *whole = trace_text(&host->table, text, TRACE_TEXT_MAX * 2, 0);
    assert_int_equal(json_string_length(whole), TRACE_TEXT_MAX * 2);
    fake_host_free(host);
}

static void bytes_that_are_no_text_are_shown_all_the_same(void **state)
{
    struct fake_host *host = fake_host_new();
    EIN_JSON json_t *text = trace_text(&host->table, "a\xff\0b", 4, 0);

    assert_string_equal(json_string_value(text), "a? b");
    fake_host_free(host);
}

static void output_ends_with_a_mark_when_its_limit_is_reached(void **state)
{
    struct fake_host *host = fake_host_new();
    EIN_JSON json_t *events = json_array();
    struct trace trace = { .host = &host->table,
                           .sink = collect,
                           .data = events,
                           .lines_left = 2,
                           .bytes_left = INT64_MAX };
    const struct speaker who = { "echo", NULL, 0 };

    for (int i = 0; i < 5; i++)
        trace_log(&trace, &who, "INFO", "x", "line", 4, 0);
    assert_int_equal(json_array_size(events), 3);
    assert_non_null(strstr(member(events, 2, "message"), "output_events"));
    fake_host_free(host);
}

static void a_trace_that_is_full_says_so_and_still_ends(void **state)
{
    struct fake_host *host = fake_host_new();
    EIN_JSON json_t *events = json_array();
    struct trace trace = {
        .host = &host->table, .sink = collect, .data = events, .lines_left = 100, .bytes_left = 250
    };
    const struct speaker who = { "echo", NULL, 0 };

    for (int i = 0; i < 5; i++)
        trace_log(&trace, &who, "INFO", "x", "line", 4, 0);
    assert_true(trace.full);
    trace_end(&trace, &who, 1, false);
    assert_int_equal(json_array_size(events), 3);
    assert_string_equal(member(events, 2, "type"), "agent_end");
    fake_host_free(host);
}

static void users_have_limits_of_their_own(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:{s:{s:i, s:i, s:i, s:i}}}", "users", "a", "cpu_s", 5,
                                        "memory_mb", 4000, "running_per_user", 20, "queue", 1);
    struct settings settings;
    struct ein_error err;

    assert_int_equal(settings_read(config, &settings, &err), 0);
    const struct limits a = limits_of_user(&settings, "a"), b = limits_of_user(&settings, "b");
    assert_int_equal(a.cpu_s, 5);
    assert_int_equal(a.memory_mb, settings.limits.memory_mb); /* that would be more */
    assert_int_equal(a.running_per_user, 20);
    assert_int_equal(a.queue, settings.limits.queue); /* that is everybody's */
    assert_memory_equal(&b, &settings.limits, sizeof(b));
}

/* ---- admission ---- */

static bool never(const void *data)
{
    return false;
}

static bool always(const void *data)
{
    return true;
}

/* Everybody may wait; tests lower what they are about. */
static struct admission_ticket ticket_of(const char *user, const char *lane)
{
    return (struct admission_ticket){ .user = user,
                                      .lane = lane,
                                      .all = { 100, 100 },
                                      .of_user = { 100, 100 },
                                      .of_lane = { 100, 100 },
                                      .queue_ms = 60000,
                                      .cancelled = never };
}

static int enter(struct admission *admission, const struct admission_ticket *ticket,
                 struct admission_place *place)
{
    struct ein_error err;

    return admission_enter(admission, ticket, place, &err);
}

static void one_user_cannot_take_every_place(void **state)
{
    struct admission_ticket a = ticket_of("a", NULL), b = ticket_of("b", NULL);
    struct admission_place places[4], none;
    struct admission admission;

    a.all = b.all = (struct admission_limit){ 3, 0 };
    a.of_user = b.of_user = (struct admission_limit){ 2, 0 };
    admission_init(&admission);
    assert_int_equal(enter(&admission, &a, &places[0]), 0);
    assert_int_equal(enter(&admission, &a, &places[1]), 0);
    assert_int_equal(enter(&admission, &a, &none), EIN_E_BUSY);
    assert_int_equal(enter(&admission, &b, &places[2]), 0);
    assert_int_equal(enter(&admission, &b, &none), EIN_E_BUSY);
    admission_leave(&admission, &places[0]);
    assert_int_equal(enter(&admission, &b, &places[3]), 0);
    for (int i = 1; i < 4; i++)
        admission_leave(&admission, &places[i]);
    assert_int_equal(admission.running, 0);
    assert_null(admission.shares);
    admission_done(&admission);
}

static void a_lane_has_its_own_limit_and_a_user_of_its_name_another(void **state)
{
    struct admission_ticket a = ticket_of("a", "lane"), other = ticket_of("lane", NULL);
    struct admission_place places[3], none;
    struct admission admission;
    struct ein_error err;

    a.of_lane = (struct admission_limit){ 1, 0 };
    admission_init(&admission);
    assert_int_equal(enter(&admission, &a, &places[0]), 0);
    a.user = "b";
    assert_int_equal(admission_enter(&admission, &a, &none, &err), EIN_E_BUSY);
    assert_non_null(strstr(err.text, "for this deployment (1, and 0 wait)"));
    assert_int_equal(enter(&admission, &other, &places[1]), 0);
    a.lane = "another";
    assert_int_equal(enter(&admission, &a, &places[2]), 0);
    for (int i = 0; i < 3; i++)
        admission_leave(&admission, &places[i]);
    assert_null(admission.shares);
    admission_done(&admission);
}

static void who_waits_is_refused_in_time(void **state)
{
    struct admission_ticket a = ticket_of("a", NULL), b = ticket_of("b", NULL);
    struct admission_place place, none;
    struct admission admission;

    a.all = b.all = (struct admission_limit){ 1, 1 };
    b.queue_ms = 100;
    admission_init(&admission);
    assert_int_equal(enter(&admission, &a, &place), 0);
    assert_int_equal(enter(&admission, &b, &none), EIN_E_BUSY);
    b.cancelled = always;
    assert_int_equal(enter(&admission, &b, &none), EIN_E_CANCELLED);
    b.cancelled = never;
    admission_shut(&admission);
    assert_int_equal(enter(&admission, &b, &none), EIN_E_UNAVAILABLE);
    admission_leave(&admission, &place);
    assert_null(admission.shares);
    assert_null(admission.first);
    admission_done(&admission);
}

/* Somebody who waits, in a thread of their own. */
struct waiting {
    pthread_t thread;
    struct admission *admission;
    struct admission_ticket ticket;
    struct admission_place place;
    int result;
    char *order; /* of those that were admitted */
};

static void *wait_in_line(void *data)
{
    struct waiting *waiting = data;

    waiting->result = enter(waiting->admission, &waiting->ticket, &waiting->place);
    if (waiting->result == 0) {
        char name[] = { *waiting->ticket.user, '\0' };
        strcat(waiting->order, name); /* one is admitted at a time */
        admission_leave(waiting->admission, &waiting->place);
    }
    return NULL;
}

static void begin_waiting(struct waiting *waiting, struct admission *admission, const char *user,
                          char *order, uint32_t count)
{
    uint32_t now = 0;

    waiting->admission = admission;
    waiting->order = order;
    waiting->ticket = ticket_of(user, NULL);
    waiting->ticket.all.running = 1;
    assert_int_equal(pthread_create(&waiting->thread, NULL, wait_in_line, waiting), 0);
    while (now != count) {
        pthread_mutex_lock(&admission->lock);
        now = admission->waiting;
        pthread_mutex_unlock(&admission->lock);
        sched_yield();
    }
}

static void who_waits_has_its_turn_in_order(void **state)
{
    struct admission_ticket first = ticket_of("a", NULL);
    struct admission_place place;
    struct waiting waiting[4];
    struct admission admission;
    char order[8] = "";

    admission_init(&admission);
    assert_int_equal(enter(&admission, &first, &place), 0);
    for (uint32_t i = 0; i < 4; i++)
        begin_waiting(&waiting[i], &admission, &"b\0c\0d\0e"[2 * i], order, i + 1);
    admission_leave(&admission, &place);
    for (int i = 0; i < 4; i++) {
        pthread_join(waiting[i].thread, NULL);
        assert_int_equal(waiting[i].result, 0);
    }
    assert_string_equal(order, "bcde");
    assert_null(admission.shares);
    admission_done(&admission);
}

static void all_who_wait_are_told_when_it_is_shut(void **state)
{
    struct admission_ticket first = ticket_of("a", NULL);
    struct admission_place place;
    struct waiting waiting[3];
    struct admission admission;
    char order[8] = "";

    admission_init(&admission);
    assert_int_equal(enter(&admission, &first, &place), 0);
    for (uint32_t i = 0; i < 3; i++)
        begin_waiting(&waiting[i], &admission, "b", order, i + 1);
    admission_shut(&admission);
    for (int i = 0; i < 3; i++) {
        pthread_join(waiting[i].thread, NULL);
        assert_int_equal(waiting[i].result, EIN_E_UNAVAILABLE);
    }
    admission_leave(&admission, &place);
    assert_null(admission.shares);
    admission_done(&admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_is_json_and_holds_every_limit),
        cmocka_unit_test(isolation_is_strict_unless_another_level_is_named),
        cmocka_unit_test(a_virtual_environment_brings_its_interpreter),
        cmocka_unit_test(a_run_lowers_limits_but_raises_none),
        cmocka_unit_test(what_the_machine_gives_decides_the_level),
        cmocka_unit_test(a_level_below_the_required_one_is_refused_with_the_missing_step),
        cmocka_unit_test(an_interpreter_with_threads_is_refused),
        cmocka_unit_test(every_end_has_its_reason),
        cmocka_unit_test(only_the_sandbox_itself_can_report_a_failed_step),
        cmocka_unit_test(events_have_their_fields_in_order),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(bytes_that_are_no_text_are_shown_all_the_same),
        cmocka_unit_test(output_ends_with_a_mark_when_its_limit_is_reached),
        cmocka_unit_test(one_user_cannot_take_every_place),
        cmocka_unit_test(users_have_limits_of_their_own),
        cmocka_unit_test(a_trace_that_is_full_says_so_and_still_ends),
        cmocka_unit_test(a_lane_has_its_own_limit_and_a_user_of_its_name_another),
        cmocka_unit_test(who_waits_is_refused_in_time),
        cmocka_unit_test(who_waits_has_its_turn_in_order),
        cmocka_unit_test(all_who_wait_are_told_when_it_is_shut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
