/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin chat where the store fails: at each step of a ticket, before and after it has done
 * what it was asked. */
#include "cleanup.h"
#include "clock.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { LEASE_MS = 1000, WAIT_MS = 60000 };

enum step { CLAIM, BEGIN, READ_ASKED, END, STEPS };

/* What is to go wrong; one test at a time. */
static struct {
    const struct ein_store *real;
    pthread_mutex_t lock;
    enum step step;  /* guarded by lock, as is all below */
    int times, code; /* so many more */
    bool done;       /* it does what it is asked all the same */
    int calls;       /* of the model */
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct breakage {
    bool fails, does; /* it does what it is asked */
    int code;
};

static struct breakage at(enum step step)
{
    EIN_LOCKED(&fault.lock);
    bool fails = fault.step == step && fault.times > 0 && fault.times-- > 0;

    return (struct breakage){ fails, !fails || fault.done, fault.code };
}

static int refuse(const struct breakage *breakage, struct ein_error *err)
{
    if (err)
        *err = (struct ein_error){ breakage->code, "the store is out of order" };
    return breakage->code;
}

/* ---- the store ---- */

static const struct breakage none = { .does = true };

static int get(struct ein_ctx *ctx, const char *set, const char *id, json_t **ret_doc,
               struct ein_error *err)
{
    const struct breakage now = strcmp(set, "ticket_requests") == 0 ? at(READ_ASKED) : none;

    return now.fails ? refuse(&now, err) : fault.real->get(ctx, set, id, ret_doc, err);
}

static int put(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
               const json_t *doc, char *ret_rev, struct ein_error *err)
{
    const struct breakage now = json_object_get(doc, "completedAt") ? at(END) : none;
    int r = now.does ? fault.real->put(ctx, set, id, expect, doc, ret_rev, err) : 0;

    return now.fails ? refuse(&now, err) : r;
}

static int batch(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    const struct breakage now = ops->add_by == 1 ? at(BEGIN) : none;
    int r = now.does ? fault.real->batch(ctx, ops, count, stride, err) : 0;

    return now.fails ? refuse(&now, err) : r;
}

static int claim(struct ein_ctx *ctx, const char *set, const char *due_field, int64_t now_at,
                 int64_t lease, json_t **ret_doc, struct ein_error *err)
{
    const struct breakage now = at(CLAIM);
    json_t *doc = NULL;
    int r = now.does ? fault.real->claim(ctx, set, due_field, now_at, lease, &doc, err) : 0;

    if (!now.fails) {
        *ret_doc = doc;
        return r;
    }
    json_decref(doc);
    return refuse(&now, err);
}

/* ---- the model ---- */

static int complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                    void *data, struct ein_completion_outcome *ret, struct ein_error *err)
{
    const struct ein_llm_piece piece = { sizeof(piece), EIN_LLM_TEXT, "hello", NULL };

    EIN_LOCKED(&fault.lock);
    fault.calls++;
    return sink(&piece, data);
}

static const struct ein_completion completion = { .struct_size = sizeof(completion),
                                                  .complete = complete };

/* ---- the host ---- */

static int take_routes(struct ein_ctx *ctx, const struct ein_route *added, size_t count,
                       size_t stride, void *self, struct ein_error *err)
{
    return 0;
}

static const struct ein_http http = { .struct_size = sizeof(http), .add_routes = take_routes };

struct fixture {
    struct fake_host *host;
    struct fake_plugin *storage, *chat;
    struct ein_store store;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    json_t *config =
        json_pack("{s:i, s:i, s:i}", "lease_ms", LEASE_MS, "poll_ms", 10, "attempts", 3);
    struct ein_error err;

    *state = f;
    f->host = fake_host_new();
    fault.real = f->host->table.store;
    f->store = *fault.real;
    f->store.get = get;
    f->store.put = put;
    f->store.batch = batch;
    f->store.claim = claim;
    f->host->table.store = &f->store;
    f->host->table.http = &http;
    fault.calls = fault.times = 0;
    if (f->host->table.publish(fake_host_ctx(f->host), EIN_COMPLETION, "test", &completion, NULL,
                               &err) < 0 ||
        fake_plugin_open(f->host, "storage-memory", NULL, &f->storage, &err) < 0 ||
        fake_plugin_start(f->storage, &err) < 0 ||
        fake_plugin_open(f->host, "chat", config, &f->chat, &err) < 0)
        return -1;
    return fake_plugin_start(f->chat, &err);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fake_plugin_close(f->chat);
    fake_plugin_close(f->storage);
    fake_host_free(f->host);
    free(f);
    return 0;
}

/* ---- tickets ---- */

static void store(struct fixture *f, const char *set, json_t *take_doc)
{
    EIN_JSON json_t *doc = take_doc;

    assert_int_equal(
        fault.real->put(fake_host_ctx(f->host), set, "t", EIN_REV_NEW, doc, NULL, NULL), 0);
}

/* Tickets as post.c makes them; the one to be claimed comes last. */
static void ask(struct fixture *f)
{
    int64_t now = clock_wall_ms();

    store(f, "ticket_requests", json_pack("{s:[], s:{}}", "messages", "parameters"));
    store(f, "tickets",
          json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:s}", "userId", "alice", "status",
                    "pending", "provider", "p", "model", "m", "attempts", 0, "endsAt",
                    (json_int_t)now + WAIT_MS, "dueAt", (json_int_t)now, "openOf", "alice"));
}

/* The ticket once it has ended. */
static json_t *ended(struct fixture *f)
{
    int64_t until = clock_mono_ms() + WAIT_MS;
    json_t *ticket = NULL;

    while (clock_mono_ms() < until) {
        assert_int_equal(fault.real->get(fake_host_ctx(f->host), "tickets", "t", &ticket, NULL), 0);
        if (!json_object_get(ticket, "dueAt"))
            return ticket;
        json_decref(ticket);
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    fail_msg("the ticket has not ended");
    return NULL;
}

static const char *text(const json_t *ticket, const char *member)
{
    return json_string_value(json_object_get(ticket, member));
}

static void set_fault(enum step step, int times, int code, bool done)
{
    EIN_LOCKED(&fault.lock);
    fault.step = step;
    fault.times = times;
    fault.code = code;
    fault.done = done;
}

static int calls_so_far(void)
{
    EIN_LOCKED(&fault.lock);
    return fault.calls;
}

/* Completed, by one call of the model, in so many attempts. */
static void expect_answer(struct fixture *f, int attempts)
{
    EIN_JSON json_t *ticket = ended(f);

    assert_string_equal(text(ticket, "status"), "completed");
    assert_string_equal(text(json_object_get(ticket, "result"), "content"), "hello");
    assert_int_equal(json_integer_value(json_object_get(ticket, "attempts")), attempts);
    assert_int_equal(calls_so_far(), 1);
}

static void a_ticket_is_answered_once(void **state)
{
    ask(*state);
    expect_answer(*state, 1);
}

static void a_claim_that_fails_is_made_again_and_told_of_once(void **state)
{
    struct fixture *f = *state;

    set_fault(CLAIM, 5, EIN_E_UNAVAILABLE, false);
    ask(f);
    expect_answer(f, 1);
    const char *first = strstr(f->host->log, "Tickets cannot be claimed");
    assert_non_null(first);
    assert_null(strstr(first + 1, "Tickets cannot be claimed"));
}

static void a_claim_whose_answer_was_lost_waits_for_its_lease(void **state)
{
    set_fault(CLAIM, 1, EIN_E_UNAVAILABLE, true);
    ask(*state);
    expect_answer(*state, 1);
}

static void a_beginning_that_was_not_written_is_made_again(void **state)
{
    set_fault(BEGIN, 1, EIN_E_UNAVAILABLE, false);
    ask(*state);
    expect_answer(*state, 1);
}

static void a_beginning_whose_answer_was_lost_counts(void **state)
{
    set_fault(BEGIN, 1, EIN_E_UNAVAILABLE, true);
    ask(*state);
    expect_answer(*state, 2);
}

static void an_end_that_was_not_written_is_written_again(void **state)
{
    set_fault(END, 2, EIN_E_UNAVAILABLE, false);
    ask(*state);
    expect_answer(*state, 1);
}

static void an_end_whose_answer_was_lost_is_the_end(void **state)
{
    set_fault(END, 1, EIN_E_UNAVAILABLE, true);
    ask(*state);
    expect_answer(*state, 1);
}

/* What the user reads where it cannot be asked at all, or not be kept. */
static void expect_error(struct fixture *f, const char *error)
{
    EIN_JSON json_t *ticket = ended(f);

    assert_string_equal(text(ticket, "status"), "failed");
    assert_string_equal(text(ticket, "error"), error);
    assert_true(json_is_null(json_object_get(ticket, "result")));
}

static void a_request_that_cannot_be_read_is_read_again(void **state)
{
    set_fault(READ_ASKED, 1, EIN_E_UNAVAILABLE, false);
    ask(*state);
    expect_answer(*state, 2);
}

static void a_request_that_is_not_there_is_a_failure(void **state)
{
    set_fault(READ_ASKED, 1, EIN_E_NOT_FOUND, false);
    ask(*state);
    expect_error(*state, "The question of this chat is no longer stored.");
}

static void an_answer_that_is_too_long_for_the_store_is_a_failure(void **state)
{
    set_fault(END, 1, EIN_E_TOO_LARGE, false);
    ask(*state);
    expect_error(*state, "The answer is too long to be kept.");
}

static void a_store_that_never_takes_an_end_ends_the_attempts(void **state)
{
    struct fixture *f = *state;

    set_fault(END, 1000000, EIN_E_UNAVAILABLE, false);
    ask(f);
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (calls_so_far() < 3 && clock_mono_ms() < until)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    set_fault(END, 0, 0, false);
    json_decref(ended(f));
    assert_int_equal(calls_so_far(), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ticket_is_answered_once),
        TEST(a_claim_that_fails_is_made_again_and_told_of_once),
        TEST(a_claim_whose_answer_was_lost_waits_for_its_lease),
        TEST(a_beginning_that_was_not_written_is_made_again),
        TEST(a_beginning_whose_answer_was_lost_counts),
        TEST(an_end_that_was_not_written_is_written_again),
        TEST(an_end_whose_answer_was_lost_is_the_end),
        TEST(a_request_that_cannot_be_read_is_read_again),
        TEST(a_request_that_is_not_there_is_a_failure),
        TEST(an_answer_that_is_too_long_for_the_store_is_a_failure),
        TEST(a_store_that_never_takes_an_end_ends_the_attempts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
