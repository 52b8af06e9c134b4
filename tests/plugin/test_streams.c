/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in pieces: lines, and events. */
#include "sse.h"
#include "text_lines.h"
#include "unit.h"

#include <einion/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    char text[4096];
    size_t len;
    int answer; /* to the event that is asked for */
};

static int on_event(void *data, const char *event, char *text, size_t len)
{
    struct seen *seen = data;

    assert_int_equal(strlen(text), len);
    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%s=%s|",
                                  event, text);
    return seen->answer;
}

static int on_line(void *data, const char *text, size_t len)
{
    struct seen *seen = data;

    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%.*s|",
                                  (int)len, text);
    return seen->answer;
}

/* Fed in pieces of every size, it is the same. */
static void expect_events(const char *stream, const char *events)
{
    size_t len = strlen(stream);

    for (size_t size = 1; size <= len + 1; size++) {
        struct seen seen = { .len = 0 };
        struct sse sse;

        sse_init(&sse, 1000, on_event, &seen);
        for (size_t at = 0; at < len; at += size)
            assert_int_equal(sse_feed(&sse, stream + at, len - at < size ? len - at : size), 0);
        sse_done(&sse);
        assert_string_equal(seen.text, events);
    }
}

static void test_events(void **state)
{
    expect_events("data: one\n\n", "message=one|");
    expect_events("data: a\r\rdata: b\r\n\r\ndata: c\n\n", "message=a|message=b|message=c|");
    expect_events("\xef\xbb\xbf"
                  "data:a\n\n\xef\xbb\xbf"
                  "data:b\n\n",
                  "message=a|");
    expect_events(": OPENROUTER PROCESSING\n\ndata: x\n\n", "message=x|");
    expect_events("event: ping\n\nevent: e\ndata: 1\ndata\ndata:  2\n\ndata: 3\n\n",
                  "e=1\n\n 2|message=3|");
    expect_events("id: 7\nretry: 5\nother: x\ndatas: y\ndata:\n\n", "message=|");
    expect_events("data: \xe2\x82\xac \xf0\x9f\x98\x80\n\n",
                  "message=\xe2\x82\xac \xf0\x9f\x98\x80|");
    expect_events("data: whole\n\ndata: half\n", "message=whole|");
    expect_events("", "");
}

static void test_long_events(void **state)
{
    char name[300];
    struct seen seen = { .len = 0 };
    struct sse sse;

    memset(name, 'n', sizeof(name));
    sse_init(&sse, 400, on_event, &seen);
    assert_int_equal(sse_feed(&sse, "event: ", 7), 0);
    assert_int_equal(sse_feed(&sse, name, sizeof(name)), 0);
    assert_int_equal(sse_feed(&sse, "\ndata: x\n\n", 10), 0);
    assert_int_equal(seen.len, SSE_EVENT_SIZE - 1 + strlen("=x|"));

    assert_int_equal(sse_feed(&sse, "data: ", 6), 0);
    assert_int_equal(sse_feed(&sse, name, sizeof(name)), 0);
    assert_int_equal(sse_feed(&sse, "\ndata: ", 7), 0);
    assert_int_equal(sse_feed(&sse, name, sizeof(name)), 0);
    assert_int_equal(sse_feed(&sse, "\n", 1), EIN_E_TOO_LARGE); /* two lines of one event */
    sse_done(&sse);

    sse_init(&sse, 400, on_event, &seen);
    assert_int_equal(sse_feed(&sse, name, sizeof(name)), 0);
    assert_int_equal(sse_feed(&sse, name, sizeof(name)), EIN_E_TOO_LARGE); /* a line without end */
    sse_done(&sse);
}

static void test_stopping(void **state)
{
    struct seen seen = { .answer = 7 };
    struct text_lines lines;
    struct sse sse;

    sse_init(&sse, 100, on_event, &seen);
    assert_int_equal(sse_feed(&sse, "data: a\n\ndata: b\n\n", 18), 7);
    assert_string_equal(seen.text, "message=a|");
    sse_done(&sse);

    seen = (struct seen){ .answer = -5 };
    text_lines_init(&lines, TEXT_LINES_LF, 100, on_line, &seen);
    assert_int_equal(text_lines_feed(&lines, "a\nb\n", 4), -5);
    assert_string_equal(seen.text, "a|");
    text_lines_done(&lines);
}

static void test_lines(void **state)
{
    static const char stream[] = "{\"a\":1}\r\n\n{\"b\":\"\xc3\xa9\"}\nlast";
    struct text_lines lines;

    for (size_t size = 1; size < sizeof(stream); size++) {
        struct seen seen = { .len = 0 };

        text_lines_init(&lines, TEXT_LINES_LF, 100, on_line, &seen);
        for (size_t at = 0; at < sizeof(stream) - 1; at += size)
            assert_int_equal(
                text_lines_feed(&lines, stream + at,
                                sizeof(stream) - 1 - at < size ? sizeof(stream) - 1 - at : size),
                0);
        assert_int_equal(text_lines_end(&lines), 0);
        assert_string_equal(seen.text, "{\"a\":1}||{\"b\":\"\xc3\xa9\"}|last|");
        text_lines_done(&lines);
    }
}

static void test_long_lines(void **state)
{
    struct seen seen = { .len = 0 };
    struct text_lines lines;

    text_lines_init(&lines, TEXT_LINES_LF, 4, on_line, &seen);
    assert_int_equal(text_lines_feed(&lines, "1234\n", 5), 0);
    assert_int_equal(text_lines_feed(&lines, "12345\n", 6), EIN_E_TOO_LARGE);
    text_lines_done(&lines);

    text_lines_init(&lines, TEXT_LINES_LF, 4, on_line, &seen);
    assert_int_equal(text_lines_feed(&lines, "123", 3), 0);
    assert_int_equal(text_lines_feed(&lines, "45", 2), EIN_E_TOO_LARGE);
    text_lines_done(&lines);
    assert_string_equal(seen.text, "1234|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),     cmocka_unit_test(test_long_events),
        cmocka_unit_test(test_stopping),   cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
