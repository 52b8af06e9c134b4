/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between the server and a child. */
#include "cleanup.h"
#include "unit.h"
#include "wire.h"

#include <string.h>

enum { MAX = 1 << 20, DEPTH = 8 };

static size_t build(char *to, uint32_t json_len, uint32_t blob_len, const char *body, size_t len)
{
    memcpy(to, &json_len, 4);
    memcpy(to + 4, &blob_len, 4);
    memcpy(to + 8, body, len);
    return 8 + len;
}

static void a_frame_is_found_only_when_it_is_whole(void **state)
{
    char bytes[64];
    struct frame frame;
    struct ein_error err;
    size_t len = build(bytes, 9, 3, "{\"t\":\"x\"}abc", 12);

    for (size_t part = 0; part < len; part++)
        assert_int_equal(wire_frame(bytes, part, MAX, &frame, &err), 0);
    assert_int_equal(wire_frame(bytes, len, MAX, &frame, &err), 1);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.json, "{\"t\":\"x\"}", frame.json_len);
    assert_memory_equal(frame.blob, "abc", frame.blob_len);
}

static void the_next_frame_begins_where_the_first_ends(void **state)
{
    char bytes[64];
    struct frame frame;
    size_t first = build(bytes, 2, 0, "{}", 2);
    size_t len = first + build(bytes + first, 2, 1, "[]z", 3);

    assert_int_equal(wire_frame(bytes, len, MAX, &frame, NULL), 1);
    assert_int_equal(frame.len, first);
    assert_int_equal(wire_frame(bytes + frame.len, len - frame.len, MAX, &frame, NULL), 1);
    assert_int_equal(frame.blob_len, 1);
}

static void a_frame_over_the_limit_is_refused_by_its_head_alone(void **state)
{
    char bytes[8];
    struct frame frame;

    build(bytes, MAX, 1, "", 0);
    assert_int_equal(wire_frame(bytes, 8, MAX, &frame, NULL), EIN_E_TOO_LARGE);
    build(bytes, UINT32_MAX, UINT32_MAX, "", 0);
    assert_int_equal(wire_frame(bytes, 8, MAX, &frame, NULL), EIN_E_TOO_LARGE);
    build(bytes, 0, 5, "", 0);
    assert_int_equal(wire_frame(bytes, 8, MAX, &frame, NULL), EIN_E_INVALID);
}

static int parse(const char *json, unsigned depth, size_t values)
{
    struct frame frame = { .json = json, .json_len = strlen(json) };
    json_t *parsed = NULL;
    int r = wire_json(&frame, depth, values, &parsed, NULL);

    json_decref(parsed);
    return r;
}

static void only_objects_are_messages(void **state)
{
    assert_int_equal(parse("{}", DEPTH, 8), 0);
    assert_int_equal(parse("[]", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("1", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{\"a\":1", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{} {}", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{\"a\":NaN}", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{\"a\":\"\xff\"}", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{\"a\":\"\\ud800\"}", DEPTH, 8), EIN_E_INVALID);
    assert_int_equal(parse("{\"a\":\"\\u0000\"}", DEPTH, 8), 0);
}

static void what_is_nested_too_deeply_is_not_parsed(void **state)
{
    assert_int_equal(parse("{\"a\":{\"b\":[]}}", 3, 8), 0);
    assert_int_equal(parse("{\"a\":{\"b\":[]}}", 2, 8), EIN_E_TOO_LARGE);
    assert_int_equal(parse("{\"a\":\"[[[[[[\\\"[[[[\"}", 1, 8), 0);
    assert_int_equal(parse("{\"a\":[],\"b\":[],\"c\":[]}", 2, 8), 0);
}

static void too_many_values_are_never_parsed(void **state)
{
    assert_int_equal(parse("{\"a\":[1,[],{},\"[,,,,,\"]}", DEPTH, 8), 0);
    assert_int_equal(parse("{\"a\":[1,1,1,1,1,1,1,1,1]}", DEPTH, 8), EIN_E_TOO_LARGE);
    assert_int_equal(parse("{\"a\":[{},{},{},{},{}]}", DEPTH, 8), EIN_E_TOO_LARGE);
}

static void a_buffer_keeps_its_maximum(void **state)
{
    struct wire_buffer buffer = { .max = 100 };

    assert_non_null(wire_buffer_room(&buffer, 100));
    assert_null(wire_buffer_room(&buffer, 101));
    buffer.end = 90;
    assert_null(wire_buffer_room(&buffer, 11));
    wire_buffer_drop(&buffer, 50);
    assert_non_null(wire_buffer_room(&buffer, 60));
    wire_buffer_free(&buffer);
    assert_int_equal(buffer.max, 100);
}

static void a_buffer_keeps_its_bytes_when_it_moves_them(void **state)
{
    struct wire_buffer buffer = { .max = 4096 };

    memcpy(wire_buffer_room(&buffer, 1000), "0123456789", 10);
    buffer.end = 1000;
    wire_buffer_drop(&buffer, 5);
    (void)wire_buffer_room(&buffer, 3000);
    assert_memory_equal(buffer.bytes + buffer.start, "56789", 5);
    assert_int_equal(wire_buffer_len(&buffer), 995);
    wire_buffer_free(&buffer);
}

static void what_is_appended_is_read_again(void **state)
{
    struct wire_buffer buffer = { .max = 4096 };
    EIN_JSON json_t *message = json_pack("{s:s}", "t", "ret");
    EIN_JSON json_t *again = NULL;
    struct frame frame;

    assert_int_equal(wire_append(&buffer, message, "blob", 4, NULL), 0);
    assert_int_equal(
        wire_frame(buffer.bytes + buffer.start, wire_buffer_len(&buffer), MAX, &frame, NULL), 1);
    assert_int_equal(wire_json(&frame, DEPTH, SIZE_MAX, &again, NULL), 0);
    assert_true(json_equal(message, again));
    assert_memory_equal(frame.blob, "blob", 4);
    wire_buffer_free(&buffer);
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    struct wire_buffer buffer = { .max = 32 };
    EIN_JSON json_t *message = json_pack("{s:s}", "t", "a text that is longer than that");

    assert_int_equal(wire_append(&buffer, message, NULL, 0, NULL), EIN_E_TOO_LARGE);
    assert_int_equal(wire_buffer_len(&buffer), 0);
    wire_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_found_only_when_it_is_whole),
        cmocka_unit_test(the_next_frame_begins_where_the_first_ends),
        cmocka_unit_test(a_frame_over_the_limit_is_refused_by_its_head_alone),
        cmocka_unit_test(only_objects_are_messages),
        cmocka_unit_test(what_is_nested_too_deeply_is_not_parsed),
        cmocka_unit_test(too_many_values_are_never_parsed),
        cmocka_unit_test(a_buffer_keeps_its_maximum),
        cmocka_unit_test(a_buffer_keeps_its_bytes_when_it_moves_them),
        cmocka_unit_test(what_is_appended_is_read_again),
        cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
