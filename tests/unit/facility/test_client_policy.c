/* SPDX-License-Identifier: Apache-2.0 */
#include "client_world.h"

#include "cancel.h"
#include "clock.h"
#include "metrics.h"
#include "section.h"
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>

/* ---- redirects ---- */

static void redirects_are_followed_as_far_as_asked(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply = run(&what, "/redirect?n=2");

    assert_ok(&reply);
    assert_int_equal(reply.got.status, 302);
    assert_string_equal(header(&reply, "location"), "/redirect?n=1");
    done(&reply);

    what.max_redirects = 2;
    reply = run(&what, "/redirect?n=2");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 200);
    assert_string_equal(reply.got.body, "hello");
    done(&reply);

    reply = run(&what, "/redirect?n=3");
    assert_fails(&reply, EIN_E_UNAVAILABLE, "more than 2 redirects");
    what.max_redirects = UINT32_MAX;
    reply = run(&what, "/loop");
    assert_fails(&reply, EIN_E_UNAVAILABLE, "more than 20 redirects");
    reply = run(&what, "/no-location");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 302);
    done(&reply);
}

static json_t *redirected_post(int status, const char *host, struct reply *ret_reply)
{
    static const char *const headers[] = { "Authorization: Bearer s3cret",
                                           "X-Api-Key: k",
                                           "Cookie: a=b",
                                           "X-Mine: yes",
                                           "Content-Type: text/plain",
                                           NULL };
    struct ein_fetch what = by_operator();
    char path[128];

    what.method = "POST";
    what.headers = headers;
    what.body = "body";
    what.body_len = 4;
    what.max_redirects = 1;
    (void)snprintf(path, sizeof path, "/to?status=%d&url=http://%s:%d/echo", status, host,
                   upstream.port);
    *ret_reply = run(&what, path);
    return echoed(ret_reply);
}

static void a_redirect_keeps_or_drops_the_body_as_its_status_says(void **state)
{
    static const struct {
        int status;
        const char *method;
        int length;
    } table[] = { { 301, "GET", 0 },
                  { 302, "GET", 0 },
                  { 303, "GET", 0 },
                  { 307, "POST", 4 },
                  { 308, "POST", 4 } };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply reply;
        json_t *echo = redirected_post(table[i].status, "127.0.0.1", &reply);

        assert_string_equal(json_string_value(json_object_get(echo, "method")), table[i].method);
        assert_int_equal(json_integer_value(json_object_get(echo, "length")), table[i].length);
        assert_int_equal(sent_header(echo, "content-type") != NULL, table[i].length > 0);
        assert_string_equal(sent_header(echo, "authorization"), "Bearer s3cret");
        json_decref(echo);
        done(&reply);
    }
}

static void another_origin_gets_no_credentials(void **state)
{
    struct reply reply;
    json_t *echo = redirected_post(307, "localhost", &reply);

    assert_null(sent_header(echo, "authorization"));
    assert_null(sent_header(echo, "x-api-key"));
    assert_null(sent_header(echo, "cookie"));
    assert_string_equal(sent_header(echo, "x-mine"), "yes");
    json_decref(echo);
    done(&reply);
}

static void a_redirect_to_another_scheme_is_refused(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.max_redirects = 3;
    reply = run(&what, "/to?url=file:///etc/passwd");
    assert_fails(&reply, EIN_E_INVALID, "http");
}

static void a_body_in_pieces_is_not_sent_twice(void **state)
{
    struct sender sender = { .left = 10, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.method = "POST";
    what.on_send = send_piece;
    what.data = &sender;
    what.max_redirects = 1;
    reply = run(&what, "/to?status=307&url=/echo");
    assert_fails(&reply, EIN_E_UNSUPPORTED, "sent again");
}

/* ---- egress ---- */

static void the_public_reaches_no_address_inside(void **state)
{
    static const char *const urls[] = {
        "http://127.0.0.1/",
        "http://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://172.20.0.1/",
        "http://100.64.1.1/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
        "http://user@1.1.1.1/",
        "http://user:pass@1.1.1.1/",
    };
    struct ein_fetch what = { 0 };

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct reply reply = run(&what, urls[i]);

        if (reply.r != EIN_E_DENIED)
            fail_msg("%s: %d %s", urls[i], reply.r, reply.err.text);
    }
}

static void the_refusal_of_a_name_is_about_where_it_leads(void **state)
{
    struct ein_fetch what = { 0 };
    struct reply reply = run(&what, "http://localhost:9/");

    assert_fails(&reply, EIN_E_DENIED, "localhost: ");
    assert_non_null(strstr(reply.err.text, "loopback"));
    assert_non_null(strstr(reply.err.text, "egress.allow"));
}

static void change_settings(json_t *take_changes)
{
    json_t *settings = section_with("egress", take_changes);
    struct ein_error err;

    assert_int_equal(client_reload(client, settings, &err), 0);
    json_decref(settings);
    json_decref(take_changes);
}

static void set_allow(const char *allow)
{
    change_settings(json_pack("{s: o}", "allow", json_loads(allow, 0, NULL)));
}

static void a_redirect_inward_is_refused_at_the_hop(void **state)
{
    struct ein_fetch what = { .max_redirects = 5 };
    struct reply reply;

    set_allow("[\"127.0.0.1\"]");
    reply = run(&what, "/to?url=http://169.254.169.254/");
    assert_fails(&reply, EIN_E_DENIED, "169.254.169.254");
    reply = run(&what, "/to?url=http://user:pass@127.0.0.1/");
    assert_fails(&reply, EIN_E_DENIED, "user name");
    reply = run(&what, "/redirect?n=2");
    assert_ok(&reply);
    done(&reply);
    set_allow("[]");
}

static void the_operator_may_allow_a_host_by_name(void **state)
{
    struct ein_fetch what = { 0 };
    struct reply reply;
    char url[64];

    set_allow("[\"localhost\"]");
    (void)snprintf(url, sizeof url, "http://localhost:%d/hello", upstream.port);
    reply = run(&what, url);
    assert_ok(&reply);
    done(&reply);
    reply = run(&what, "/hello");
    assert_fails(&reply, EIN_E_DENIED, "127.0.0.1");
    set_allow("[]");
}

/* A connection of the operator's in the pool must not carry anybody else's request. */
static void a_pooled_connection_is_checked_like_a_new_one(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    char url[64];

    (void)snprintf(url, sizeof url, "http://localhost:%d/hello", upstream.port);
    reply = run(&what, url);
    assert_ok(&reply);
    done(&reply);
    what.egress = EIN_EGRESS_PUBLIC;
    reply = run(&what, url);
    assert_fails(&reply, EIN_E_DENIED, "loopback");
}

static void the_public_may_not_name_another_host(void **state)
{
    static const char *const headers[] = { "Host: internal.example", NULL };
    struct ein_fetch what = { .headers = headers };
    struct reply reply;
    json_t *echo;

    set_allow("[\"127.0.0.1\"]");
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_int_equal(strncmp(sent_header(echo, "host"), "127.0.0.1:", 10), 0);
    json_decref(echo);
    done(&reply);
    set_allow("[]");
}

static void the_environment_names_no_proxy(void **state)
{
    struct reply reply;

    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    reply = get("/hello");
    assert_ok(&reply);
    done(&reply);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void a_configured_proxy_is_asked_and_private_names_are_still_refused(void **state)
{
    struct ein_fetch what = { 0 };
    struct reply reply;
    char proxy[64];

    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", upstream.port);
    change_settings(json_pack("{s: s}", "proxy", proxy));
    assert_int_equal(setenv("no_proxy", "*", 1), 0); /* the configuration counts */
    reply = run(&what, "http://8.8.8.8/hello");
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "hello");
    done(&reply);
    reply = run(&what, "http://localhost/hello");
    assert_fails(&reply, EIN_E_DENIED, "loopback");
    set_allow("[]");
}

enum { SLOW_S = 3 };

typedef int lookup(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **ret);

/* The name server of slow.example takes its time. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    lookup *real;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || strcmp(name, "slow.example") != 0 || hints->ai_flags & AI_NUMERICHOST)
        return real(name, service, hints, ret);
    (void)sleep(SLOW_S);
    return EAI_AGAIN;
}

static void a_name_that_a_proxy_is_asked_for_is_not_waited_for_longer(void **state)
{
    struct ein_cancel *fired = cancel_new(NULL);
    struct ein_fetch what = { .connect_ms = 100 };
    int64_t began_ms = clock_mono_ms();
    struct reply reply;

    (void)state;
    change_settings(json_pack("{s: s}", "proxy", "http://127.0.0.1:1"));
    reply = run(&what, "http://slow.example/");
    assert_fails(&reply, EIN_E_TIMEOUT, "slow.example: not looked up within 100 ms");
    cancel_fire(fired);
    what = (struct ein_fetch){ .cancel = fired };
    reply = run(&what, "http://slow.example/");
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    assert_true(clock_mono_ms() - began_ms < SLOW_S * 1000);
    cancel_free(fired);
    set_allow("[]");
}

static void a_file_without_authorities_is_refused(void **state)
{
    char path[] = "/tmp/einion-no-ca-XXXXXX";
    int fd = mkstemp(path);
    json_t *changes = json_pack("{s: s}", "ca_file", path), *settings;
    struct ein_error err;

    assert_true(fd >= 0);
    (void)close(fd);
    settings = section_with("egress", changes);
    assert_int_equal(client_reload(client, settings, &err), EIN_E_INVALID);
    assert_non_null(strstr(err.text, "egress.ca_file: /tmp/einion-no-ca-"));
    assert_non_null(strstr(err.text, "it contains no certificate"));
    json_decref(settings);
    json_decref(changes);
    (void)unlink(path);
}

/* ---- cancelling ---- */

struct later {
    struct ein_cancel *cancel;
    useconds_t after_us;
};

static void *fire_later(void *data)
{
    const struct later *later = data;

    (void)usleep(later->after_us);
    cancel_fire(later->cancel);
    return NULL;
}

static struct reply run_cancelled(struct ein_fetch *what, const char *path, useconds_t after_us)
{
    struct ein_cancel *cancel = cancel_new(NULL);
    struct later later = { cancel, after_us };
    struct reply reply;
    pthread_t thread;
    int64_t began_ms = clock_mono_ms();

    what->cancel = cancel;
    assert_int_equal(pthread_create(&thread, NULL, fire_later, &later), 0);
    reply = run(what, path);
    (void)pthread_join(thread, NULL);
    assert_in_range(clock_mono_ms() - began_ms, 0, after_us / 1000 + 15000);
    cancel_free(cancel);
    return reply;
}

static void a_fetch_is_cancelled_in_every_phase(void **state)
{
    static const char *const paths[] = { "http://192.0.2.1/", "/silent", "/stall",
                                         "/slow-head?s=0.5", "/endless" };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct ein_fetch what = by_operator();
        struct reply reply;

        what.max_bytes = UINT64_MAX / 4;
        reply = run_cancelled(&what, paths[i], 50 * 1000);
        if (reply.r == EIN_E_UNAVAILABLE && i == 0)
            continue; /* no route at all: it ended before it could be cancelled */
        assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    }
}

static void an_upload_is_cancelled(void **state)
{
    struct sender sender = { .left = SIZE_MAX, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.method = "POST";
    what.on_send = send_piece;
    what.data = &sender;
    reply = run_cancelled(&what, "/silent", 50 * 1000);
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
}

static void the_server_sees_that_a_cancelled_client_has_left(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply = run_cancelled(&what, "/silent", 20 * 1000);

    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    reply = get("/gone");
    assert_string_equal(reply.got.body, "yes");
    done(&reply);
}

static void what_is_cancelled_already_is_not_sent(void **state)
{
    struct ein_cancel *cancel = cancel_new(NULL);
    struct ein_fetch what = by_operator();
    struct reply reply;

    cancel_fire(cancel);
    what.cancel = cancel;
    reply = run(&what, "/slow-head?s=1");
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    cancel_free(cancel);
}

/* ---- together ---- */

static void *fetch_many(void *data)
{
    bool *failed = data;

    for (int i = 0; i < 40; i++) {
        struct reply reply = get(i % 4 ? "/hello" : "/big?n=300000");

        if (reply.r != 0)
            *failed = true;
        done(&reply);
    }
    return NULL;
}

static void many_threads_fetch_at_once(void **state)
{
    pthread_t threads[16];
    bool failed[16] = { false };

    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fetch_many, &failed[i]), 0);
    for (size_t i = 0; i < 16; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
}

static void an_older_callers_structs_are_read_and_written_only_as_far_as_they_go(void **state)
{
    struct {
        struct ein_fetched got;
        unsigned char after[16];
    } box = { .got = { .struct_size = offsetof(struct ein_fetched, body) } };
    struct ein_fetch what = by_operator();
    char url[64];

    memset(&box.got.body, 0xee, sizeof box.got - offsetof(struct ein_fetched, body));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", upstream.port);
    what.url = url;
    what.struct_size = offsetof(struct ein_fetch, on_send);
    what.on_send = (int64_t(*)(void *, void *, size_t))1;
    what.on_data = (int (*)(void *, const void *, size_t))1;
    assert_int_equal(client_fetch(client, &what, &box.got, NULL), 0);
    assert_int_equal(box.got.status, 200);
    assert_int_equal(((unsigned char *)&box.got.body)[0], 0xee);
    json_decref(box.got.headers);
}

static int note_status(void *data, int status, const json_t *headers)
{
    *(int *)data = json_object_get(headers, "content-length") ? status : -1;
    return 0;
}

static int add_up(void *data, const void *piece, size_t len)
{
    *(int *)data += (int)len;
    return 0;
}

static void who_is_told_by_callbacks_need_not_ask_for_the_rest(void **state)
{
    struct ein_fetch what = by_operator();
    char url[64];
    int told = 0;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", upstream.port);
    what.url = url;
    what.struct_size = sizeof what;
    what.on_head = note_status;
    what.on_data = add_up;
    what.data = &told;
    assert_int_equal(client_fetch(client, &what, NULL, NULL), 0);
    assert_in_range(told, 201, 299);
}

static void fetches_are_counted_by_outcome(void **state)
{
    json_t *settings = section_with("egress", NULL);
    struct metrics *metrics;
    struct client *counted;
    struct ein_error err;
    struct ein_fetched got = { .struct_size = sizeof got };
    struct ein_fetch what = { .struct_size = sizeof what, .url = "http://127.0.0.1/" };
    char *text;

    assert_int_equal(metrics_new(&metrics), 0);
    assert_int_equal(client_new(settings, NULL, 0, metrics, &counted, &err), 0);
    json_decref(settings);
    assert_int_equal(client_fetch(counted, &what, &got, &err), EIN_E_DENIED);
    assert_int_equal(metrics_text(metrics, &text, &err), 0);
    assert_non_null(strstr(text, "einion_fetches_total{outcome=\"denied\"} 1\n"));
    free(text);
    client_free(counted);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_are_followed_as_far_as_asked),
        cmocka_unit_test(a_redirect_keeps_or_drops_the_body_as_its_status_says),
        cmocka_unit_test(another_origin_gets_no_credentials),
        cmocka_unit_test(a_redirect_to_another_scheme_is_refused),
        cmocka_unit_test(a_body_in_pieces_is_not_sent_twice),
        cmocka_unit_test(the_public_reaches_no_address_inside),
        cmocka_unit_test(the_refusal_of_a_name_is_about_where_it_leads),
        cmocka_unit_test(a_redirect_inward_is_refused_at_the_hop),
        cmocka_unit_test(the_operator_may_allow_a_host_by_name),
        cmocka_unit_test(a_pooled_connection_is_checked_like_a_new_one),
        cmocka_unit_test(the_public_may_not_name_another_host),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(a_configured_proxy_is_asked_and_private_names_are_still_refused),
        cmocka_unit_test(a_name_that_a_proxy_is_asked_for_is_not_waited_for_longer),
        cmocka_unit_test(a_file_without_authorities_is_refused),
        cmocka_unit_test(a_fetch_is_cancelled_in_every_phase),
        cmocka_unit_test(an_upload_is_cancelled),
        cmocka_unit_test(the_server_sees_that_a_cancelled_client_has_left),
        cmocka_unit_test(what_is_cancelled_already_is_not_sent),
        cmocka_unit_test(many_threads_fetch_at_once),
        cmocka_unit_test(an_older_callers_structs_are_read_and_written_only_as_far_as_they_go),
        cmocka_unit_test(who_is_told_by_callbacks_need_not_ask_for_the_rest),
        cmocka_unit_test(fetches_are_counted_by_outcome),
    };

    return cmocka_run_group_tests(tests, client_world_setup, client_world_teardown);
}
