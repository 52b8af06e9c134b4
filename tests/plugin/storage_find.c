/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

/* One document for each type, created in the opposite of their order. */
static void put_types(struct fixture *fixture)
{
    put(fixture, "list", "{'v': [1]}");
    put(fixture, "object", "{'v': {'a': 1}}");
    put(fixture, "text_b", "{'v': 'b'}");
    put(fixture, "text_a", "{'v': 'a'}");
    put(fixture, "text_empty", "{'v': ''}");
    put(fixture, "two", "{'v': 2}");
    put(fixture, "one_and_half", "{'v': 1.5}");
    put(fixture, "minus", "{'v': -7}");
    put(fixture, "true", "{'v': true}");
    put(fixture, "false", "{'v': false}");
    put(fixture, "null", "{'v': null}");
    put(fixture, "absent", "{}");
}

static void expect_queries(struct fixture *fixture)
{
    static const struct {
        const char *where, *ids; /* by v */
    } queries[] = {
        { "{}",
          "null absent false true minus one_and_half two text_empty text_a text_b list object" },
        { "{'v': null}", "null absent" },
        { "{'v': false}", "false" },
        { "{'v': true}", "true" },
        { "{'v': 2}", "two" },
        { "{'v': 2.0}", "two" },
        { "{'v': 1}", "" },
        { "{'v': 'a'}", "text_a" },
        { "{'v': ''}", "text_empty" },
        { "{'v': {'$ne': 2}}",
          "null absent false true minus one_and_half text_empty text_a text_b" },
        { "{'v': {'$ne': null}}", "false true minus one_and_half two text_empty text_a text_b" },
        { "{'v': {'$gt': 1.5}}", "two text_empty text_a text_b" },
        { "{'v': {'$gte': 1.5}}", "one_and_half two text_empty text_a text_b" },
        { "{'v': {'$lt': 1.5}}", "false true minus" },
        { "{'v': {'$lte': 1.5}}", "false true minus one_and_half" },
        { "{'v': {'$gt': -7, '$lt': 2}}", "one_and_half" },
        { "{'v': {'$gte': -7, '$lte': 2, '$ne': 1.5}}", "minus two" },
        { "{'v': {'$gt': false}}", "true minus one_and_half two text_empty text_a text_b" },
        { "{'v': {'$lt': true}}", "false" },
        { "{'v': {'$gt': 'a'}}", "text_b" },
        { "{'v': {'$lte': 'a'}}", "false true minus one_and_half two text_empty text_a" },
        { "{'v': {'$gt': null}}", "false true minus one_and_half two text_empty text_a text_b" },
        { "{'v': {'$gte': null}}", "false true minus one_and_half two text_empty text_a text_b" },
        { "{'v': {'$lt': null}}", "" },
        { "{'v': {'$lte': null}}", "" },
        { "{'v': {'$in': [2, 'b', null, true]}}", "null absent true two text_b" },
        { "{'v': {'$in': []}}", "" },
        { "{'v': {'$prefix': ''}}", "text_empty text_a text_b" },
        { "{'v': {'$prefix': 'a'}}", "text_a" },
        { "{'v': {'$prefix': 'ab'}}", "" },
        { "{'w': null}",
          "null absent false true minus one_and_half two text_empty text_a text_b list object" },
        { "{'v.a': 1}", "object" },
        { "{'v.a': {'$ne': 1}}",
          "null absent false true minus one_and_half two text_empty text_a text_b list" },
        { "{'_id': 'two'}", "two" },
        { "{'_id': 2}", "" },
        { "{'_id': {'$ne': 2}, 'v': 2}", "two" },
        { "{'_id': {'$gt': 2}, 'v': 2}", "two" },
        { "{'_id': {'$lt': 2}}", "" },
        { "{'_id': {'$prefix': 'text_'}}", "text_empty text_a text_b" },
        { "{'_id': {'$prefix': ''}, 'v': 2}", "two" },
        { "{'_id': {'$in': ['two', 2, null, 'minus']}}", "minus two" },
        { "{'_id': {'$in': [2]}}", "" },
        { "{'_id': {'$gte': 'text_b', '$lt': 'two'}}", "true text_empty text_b" },
        { "{'v': {'$gt': 0}, '_id': {'$ne': 'two'}}", "one_and_half text_empty text_a text_b" },
    };

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        /* null and absent tie, and so do list and object: as created */
        expect_found(fixture, queries[i].where, "v", queries[i].ids);
        size_t count = *queries[i].ids ? 1 : 0;
        for (const char *c = queries[i].ids; *c; c++)
            count += *c == ' ';
        assert_int_equal(tally(fixture, "things", queries[i].where), count);
    }
}

static void every_operator_matches_every_type_as_promised(void **state)
{
    put_types(*state);
    expect_queries(*state);
}

static void an_index_changes_no_answer(void **state)
{
    struct fixture *fixture = *state;
    static const char *const fields[] = { "v", "v", "v.a", "w", "_id" };

    put_types(fixture);
    put(fixture, "two", "{'v': 3}");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_int_equal(fixture->backend->index(fixture->impl, "things", fields[i], NULL), 0);
    put(fixture, "two", "{'v': 2}");
    expect_queries(fixture);
}

static void an_index_is_of_one_field_or_two(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = { "v,w,x", "v,", ",v", "v,_rev", "$v,w", "v,w..x", "" };

    put_types(fixture);
    assert_int_equal(fixture->backend->index(fixture->impl, "things", "v,w", NULL), 0);
    assert_int_equal(fixture->backend->index(fixture->impl, "things", "v,v", NULL), 0);
    assert_int_equal(fixture->backend->index(fixture->impl, "things", "_id,v.a", NULL), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct ein_error err = { 0 };
        if (fixture->backend->index(fixture->impl, "things", wrong[i], &err) != EIN_E_INVALID)
            fail_msg("'%s' is an index: %s", wrong[i], err.text);
    }
    expect_queries(fixture);
}

static void an_index_may_come_before_the_first_document(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture->backend->index(fixture->impl, "things", "v", NULL), 0);
    expect_found(fixture, NULL, NULL, "");
    put_types(fixture);
    expect_queries(fixture);
}

static void numbers_are_compared_exactly(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "big", "{'v': 9007199254740993}");
    put(fixture, "real", "{'v': 9007199254740992.0}");
    put(fixture, "bigger", "{'v': 9223372036854775807}");
    put(fixture, "smallest", "{'v': -9223372036854775808}");
    put(fixture, "beyond", "{'v': 9223372036854775808.0}");
    put(fixture, "huge", "{'v': 1e300}");
    put(fixture, "tiny", "{'v': 5e-324}");
    put(fixture, "zero", "{'v': -0.0}");
    expect_found(fixture, NULL, "v", "smallest zero tiny real big bigger beyond huge");
    expect_found(fixture, "{'v': {'$gt': 9007199254740992}}", "v", "big bigger beyond huge");
    expect_found(fixture, "{'v': 9007199254740992}", NULL, "real");
    expect_found(fixture, "{'v': 9223372036854775807}", NULL, "bigger");
    expect_found(fixture, "{'v': 0}", NULL, "zero");
}

static void text_is_compared_by_bytes(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "e", "{'v': '\xc3\xa9t\xc3\xa9'}");
    put(fixture, "z", "{'v': 'z'}");
    put(fixture, "Z", "{'v': 'Z'}");
    put(fixture, "nul", "{'v': 'a\\u0000b'}");
    put(fixture, "a", "{'v': 'a'}");
    put(fixture, "emoji", "{'v': '\xf0\x9f\x94\xa8'}");
    expect_found(fixture, NULL, "v", "Z a nul z e emoji");
    expect_found(fixture, "{'v': 'a'}", NULL, "a");
    expect_found(fixture, "{'v': 'a\\u0000b'}", NULL, "nul");
    expect_found(fixture, "{'v': {'$prefix': 'a'}}", NULL, "nul a");
    expect_found(fixture, "{'v': {'$prefix': '\xc3\xa9'}}", NULL, "e");
}

static void names_with_quotes_and_escapes_are_fields_too(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *doc = json_pack("{s:i, s:i, s:i, s:{s:i}}", "a\"b", 1, "tab\t", 2,
                                     "'; DROP TABLE x --", 3, "\\", "\xf0\x9f\x94\xa8", 4);
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "odd", .doc = doc };
    const char *const names[] = { "a\"b", "tab\t", "'; DROP TABLE x --", "\\.\xf0\x9f\x94\xa8" };

    put(fixture, "plain", "{'a': 1}");
    assert_int_equal(batch(fixture, &op, 1, NULL), 0);
    for (int i = 0; i < 8; i++) {
        uint64_t count = 0;
        EIN_JSON json_t *where = json_pack("{s:i}", names[i % 4], i % 4 + 1);
        assert_int_equal(fixture->backend->tally(fixture->impl, "things", where, &count, NULL), 0);
        assert_int_equal(count, 1);
        assert_int_equal(fixture->backend->index(fixture->impl, "things", names[i % 4], NULL), 0);
    }
}

/* A database that keeps ids as text would refuse what is none: the first bytes behind all that
 * begins with U+007F or U+00FF, and zero. */
static void an_id_is_compared_with_any_text(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "a", "{}");
    put(fixture, "\x7f-", "{}");
    put(fixture, "\xc3\xbf-", "{}");
    put(fixture, "\xf4\x8f\xbf\xbf", "{}");
    expect_found(fixture, "{'_id': {'$prefix': '\x7f'}}", NULL, "\x7f-");
    expect_found(fixture, "{'_id': {'$prefix': '\xc3\xbf'}}", NULL, "\xc3\xbf-");
    expect_found(fixture, "{'_id': {'$prefix': '\xed\x9f\xbf'}}", NULL, "");
    expect_found(fixture, "{'_id': {'$prefix': '\xf4\x8f\xbf\xbf'}}", NULL, "\xf4\x8f\xbf\xbf");
    expect_found(fixture, "{'_id': {'$prefix': 'a\\u0000'}}", NULL, "");
    expect_found(fixture, "{'_id': {'$gt': 'a\\u0000', '$lt': 'b'}}", NULL, "");
    expect_found(fixture, "{'_id': {'$in': ['a\\u0000', 'a']}}", NULL, "a");
    expect_found(fixture, "{'_id': {'$ne': 'a\\u0000', '$lte': 'b'}}", NULL, "a");
}

static void order_is_by_fields_then_creation(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "c", "{'n': 1, 's': 'x'}");
    put(fixture, "a", "{'n': 2, 's': 'y'}");
    put(fixture, "b", "{'n': 1, 's': 'y'}");
    put(fixture, "d", "{'n': 2, 's': 'x'}");
    put(fixture, "c", "{'n': 1, 's': 'x', 'replaced': true}");
    expect_found(fixture, NULL, NULL, "c a b d");
    expect_found(fixture, NULL, "n", "c b a d");
    expect_found(fixture, NULL, "-n", "a d c b");
    expect_found(fixture, NULL, "s -n", "d c a b");
    expect_found(fixture, NULL, "-s n", "b a c d");
    expect_found(fixture, NULL, "_id", "a b c d");
    expect_found(fixture, NULL, "-_id", "d c b a");
    expect_found(fixture, "{'s': 'y'}", "-_id", "b a");
}

static void a_query_that_makes_no_sense_is_refused_in_words(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[][3] = {
        { "{'a': {'$regex': 'x'}}", NULL, "'$regex' of 'a' is not an operator" },
        { "{'a': {'b': 1}}", NULL, "'b' of 'a' is not an operator" },
        { "{'a': {}}", NULL, "'a' has no operator" },
        { "{'a': [1]}", NULL, "array" },
        { "{'a': {'$gt': [1]}}", NULL, "'$gt' of 'a' compares with" },
        { "{'a': {'$gt': {}}}", NULL, "'$gt' of 'a' compares with" },
        { "{'a': {'$in': 1}}", NULL, "'$in' of 'a' is not an array" },
        { "{'a': {'$in': [[]]}}", NULL, "'$in' of 'a' compares with" },
        { "{'a': {'$prefix': 1}}", NULL, "'$prefix' of 'a' is not text" },
        { "{'$or': []}", NULL, "'$or' is not a field" },
        { "{'': 1}", NULL, "1 to 255 bytes" },
        { "{'a..b': 1}", NULL, "'a..b' is not a field" },
        { "{'.a': 1}", NULL, "'.a' is not a field" },
        { "{'a.': 1}", NULL, "'a.' is not a field" },
        { "{'_rev': '1-a'}", NULL, "'_rev'" },
        { "[]", NULL, "A filter is a JSON object" },
        { NULL, "-", "1 to 255 bytes" },
        { NULL, "a a a a a a a a a", "at most 8 fields" },
    };

    put(fixture, "x", "{'a': 1}");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_refused(fixture, wrong[i][0], wrong[i][1], wrong[i][2]);
}

static int count_found(const json_t *doc, void *seen)
{
    ++*(int *)seen;
    return 0;
}

static void a_query_that_does_not_say_how_long_it_is_finds_nothing(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t sizes[] = { 0, 1, sizeof(uint32_t), offsetof(struct ein_query, fields) - 1 };
    struct ein_error err;
    int seen = 0;

    put(fixture, "x", "{'a': 1}");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct ein_query query = { .struct_size = sizes[i] };

        assert_int_equal(
            fixture->backend->find(fixture->impl, "things", &query, count_found, &seen, NULL, &err),
            EIN_E_INVALID);
    }
    assert_int_equal(seen, 0);
}

/* ---- cursors ---- */

struct walk {
    struct fixture *fixture;
    char ids[4096];
    int seen, write_each;
};

static int note(const json_t *doc, void *data)
{
    struct walk *walk = data;
    char id[32];

    walk->seen++;
    strcat(walk->ids, json_string_value(json_object_get(doc, "_id")));
    strcat(walk->ids, " ");
    if (walk->write_each) { /* before all that is still to come */
        snprintf(id, sizeof(id), "new%d", walk->seen);
        put(walk->fixture, id, walk->seen % 2 ? "{'n': -1}" : "{'n': -2, 'late': true}");
    }
    return 0;
}

static void walk_pages(struct fixture *fixture, const char *const *order, uint32_t limit,
                       struct walk *walk)
{
    char *cursor = NULL;

    do {
        struct ein_query query = {
            .struct_size = sizeof(query), .limit = limit, .order = order, .cursor = cursor
        };
        struct ein_error err = { 0 };
        char *next = NULL;
        if (fixture->backend->find(fixture->impl, "things", &query, note, walk, &next, &err) < 0)
            fail_msg("page after %s: %s", cursor, err.text);
        fixture->host->table.mem_free(cursor);
        cursor = next;
    } while (cursor);
}

static void pages_joined_are_the_whole(void **state)
{
    struct fixture *fixture = *state;
    static const char *const orders[][3] = {
        { NULL }, { "n", NULL }, { "-n", "_id", NULL }, { "_id", NULL }, { "-s", "-n", NULL }
    };
    char id[16], doc[64];

    for (int i = 0; i < 23; i++) {
        snprintf(id, sizeof(id), "d%02d", i * 7 % 23);
        snprintf(doc, sizeof(doc), "{'n': %d, 's': %s}", i % 4, i % 3 ? "'text'" : "[1]");
        put(fixture, id, doc);
    }
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct walk whole = { .fixture = fixture };
        walk_pages(fixture, orders[i], 0, &whole);
        assert_int_equal(whole.seen, 23);
        for (uint32_t limit = 1; limit <= 24; limit++) {
            struct walk pages = { .fixture = fixture };
            walk_pages(fixture, orders[i], limit, &pages);
            assert_string_equal(pages.ids, whole.ids);
        }
    }
}

static void what_documents_weigh_is_what_they_take(void **state)
{
    struct fixture *fixture = *state;
    uint64_t all = 0, some = 0, more = 0, none = 1;
    EIN_JSON json_t *where = json_of("{'n': 1}");
    EIN_JSON json_t *nothing = json_of("{'n': 7}");
    char doc[4200] = "{'n': 1, 's': '";

    put(fixture, "a", "{'n': 1}");
    put(fixture, "b", "{'n': 2, 's': '\\u00e4'}");
    assert_int_equal(fixture->backend->weigh(fixture->impl, "things", NULL, &all, NULL), 0);
    assert_int_equal(fixture->backend->weigh(fixture->impl, "things", where, &some, NULL), 0);
    assert_int_equal(fixture->backend->weigh(fixture->impl, "things", nothing, &none, NULL), 0);
    assert_true(some >= sizeof("{\"n\":1}") - 1 && all > some && none == 0);

    memset(doc + strlen(doc), 'x', 4000);
    strcat(doc, "'}");
    put(fixture, "a", doc);
    assert_int_equal(fixture->backend->weigh(fixture->impl, "things", where, &more, NULL), 0);
    assert_int_equal(more - some, 4000 + sizeof(",\"s\":\"\"") - 1);
    assert_int_equal(fixture->backend->weigh(fixture->impl, "nowhere", NULL, &none, NULL), 0);
    assert_int_equal(none, 0);
}

static int note_members(const json_t *doc, void *data)
{
    char *seen = data;
    EIN_FREE char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

    assert_non_null(json_object_get(doc, "_rev"));
    strcat(strcat(seen, text ? strstr(text, "\"n\"") ? "n" : "-" : "?"),
           text && strstr(text, "\"s\"") ? "s " : "- ");
    return 0;
}

/* A backend may give more, as the one in memory does. */
static void a_find_gives_the_members_that_are_asked_for(void **state)
{
    struct fixture *fixture = *state;
    const bool all = strcmp(fixture->name, "storage-memory") == 0;
    static const char *const none[] = { NULL }, *const one[] = { "n", NULL },
                             *const order[] = { "-s", NULL };
    const struct ein_query queries[] = {
        { .struct_size = sizeof(queries[0]), .fields = none },
        { .struct_size = sizeof(queries[0]), .fields = one },
        { .struct_size = sizeof(queries[0]), .fields = none, .order = order },
        { .struct_size = sizeof(queries[0]) },
        { .struct_size = offsetof(struct ein_query, fields), .fields = none },
    };
    static const char *const expected[] = { "-- -- ", "n- -- ", "-s -s ", "ns -s ", "ns -s " };

    put(fixture, "a", "{'n': 1, 's': 'b'}");
    put(fixture, "b", "{'s': 'a'}");
    fixture_close(fixture); /* and so does one that knows the whole document */
    if (!all) {
        json_t *settings = json_of(storage_settings);
        if (strcmp(fixture->name, "storage-sqlite") == 0)
            json_object_set_new(settings, "cache_mib", json_integer(0));
        fixture_open(fixture, settings);
    } else {
        fixture_open(fixture, NULL);
        put(fixture, "a", "{'n': 1, 's': 'b'}");
        put(fixture, "b", "{'s': 'a'}");
    }
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char seen[64] = "";
        struct walk walk = { .fixture = fixture };
        assert_int_equal(
            fixture->backend->find(fixture->impl, "things", &queries[i], note, &walk, NULL, NULL),
            0);
        assert_string_equal(walk.ids, "a b ");
        assert_int_equal(fixture->backend->find(fixture->impl, "things", &queries[i], note_members,
                                                seen, NULL, NULL),
                         0);
        assert_string_equal(seen, all ? "ns -s " : expected[i]);
    }
}

static void find_up_to(struct fixture *fixture, uint32_t limit, struct walk *walk)
{
    static const char *const order[] = { "-n", "_id", NULL };
    const struct ein_query query = { .struct_size = sizeof(query), .limit = limit, .order = order };
    struct ein_error err = { 0 };

    if (fixture->backend->find(fixture->impl, "things", &query, note, walk, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void what_is_read_in_portions_is_the_same(void **state)
{
    struct fixture *fixture = *state;
    const int portions[] = { 1, 40, 100, 1000 };
    char id[16], doc[64];

    if (strcmp(fixture->name, "storage-memory") == 0)
        skip(); /* its documents are in memory anyway */
    for (int i = 0; i < 23; i++) {
        snprintf(id, sizeof(id), "d%02d", i * 7 % 23);
        snprintf(doc, sizeof(doc), "{'n': %d, 's': 'text'}", i % 4);
        put(fixture, id, doc);
    }
    for (uint32_t limit = 0; limit <= 24; limit++) {
        struct walk whole = { .fixture = fixture };
        find_up_to(fixture, limit, &whole);
        assert_int_equal(whole.seen, limit && limit < 23 ? limit : 23);
        for (size_t i = 0; i < sizeof(portions) / sizeof(portions[0]); i++) {
            struct walk read = { .fixture = fixture };
            json_t *settings = json_of(storage_settings);
            json_object_set_new(settings, "find_bytes", json_integer(portions[i]));
            fixture_close(fixture);
            fixture_open(fixture, settings);
            find_up_to(fixture, limit, &read);
            assert_string_equal(read.ids, whole.ids);
        }
    }
}

static void a_page_ends_where_it_would_be_too_long(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = { .fixture = fixture };
    const struct ein_query query = { .struct_size = sizeof(query), .limit = 9 };
    char *cursor = NULL;

    if (strcmp(fixture->name, "storage-memory") == 0)
        skip();
    for (int i = 0; i < 9; i++)
        put(fixture, (char[]){ 'a' + i, 0 }, "{'s': '0123456789'}"); /* 18 bytes */
    json_t *settings = json_of(storage_settings);
    json_object_set_new(settings, "find_bytes", json_integer(7)); /* eighths of a page */
    fixture_close(fixture);
    fixture_open(fixture, settings);
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &walk, &cursor, NULL), 0);
    assert_string_equal(walk.ids, "a b c d ");
    fixture->host->table.mem_free(cursor);
    walk = (struct walk){ .fixture = fixture };
    walk_pages(fixture, NULL, 9, &walk);
    assert_string_equal(walk.ids, "a b c d e f g h i ");
}

static void a_walk_sees_every_document_once_while_others_write(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = { .fixture = fixture, .write_each = 1 };

    for (int i = 0; i < 9; i++)
        put(fixture, (char[]){ 'a' + i, 0 },
            (char[]){ '{', '\'', 'n', '\'', ':', '1' + i, '}', 0 });
    walk_pages(fixture, (const char *const[]){ "n", NULL }, 2, &walk);
    assert_string_equal(walk.ids, "a b c d e f g h i ");
    assert_int_equal(tally(fixture, "things", NULL), 18);
}

static void a_cursor_outlives_the_document_it_points_to(void **state)
{
    struct fixture *fixture = *state;
    struct walk first = { .fixture = fixture }, rest = { .fixture = fixture };
    struct ein_query query = { .struct_size = sizeof(query), .limit = 2 };
    struct ein_doc_op gone = { .kind = EIN_DOC_DELETE, .set = "things", .id = "b" };
    char *cursor = NULL, *end = (char *)"untouched";

    put(fixture, "a", "{}");
    put(fixture, "b", "{}");
    put(fixture, "c", "{}");
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &first, &cursor, NULL), 0);
    assert_int_equal(batch(fixture, &gone, 1, NULL), 0);
    query.cursor = cursor;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &rest, &end, NULL), 0);
    assert_string_equal(rest.ids, "c ");
    assert_null(end);
    fixture->host->table.mem_free(cursor);
}

static void what_is_created_behind_a_cursor_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct walk first = { .fixture = fixture }, rest = { .fixture = fixture };
    struct ein_query query = { .struct_size = sizeof(query), .limit = 1 };
    struct ein_doc_op gone[] = { { .kind = EIN_DOC_DELETE, .set = "things", .id = "a" },
                                 { .kind = EIN_DOC_DELETE, .set = "things", .id = "b" } };
    char *cursor = NULL;

    put(fixture, "a", "{}");
    put(fixture, "b", "{}");
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &first, &cursor, NULL), 0);
    assert_int_equal(batch(fixture, gone, 2, NULL), 0); /* and nothing is left */
    put(fixture, "c", "{}");
    query.cursor = cursor;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &rest, NULL, NULL), 0);
    assert_string_equal(rest.ids, "c ");
    fixture->host->table.mem_free(cursor);
}

static void a_cursor_not_from_this_query_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct walk walk = { .fixture = fixture };
    EIN_JSON json_t *where = json_of("{'n': {'$gt': 0}}");
    struct ein_query query = { .struct_size = sizeof(query),
                               .limit = 1,
                               .order = (const char *const[]){ "n", NULL } };
    char *cursor = NULL;

    put(fixture, "a", "{'n': 1}");
    put(fixture, "b", "{'n': 2}");
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &walk, &cursor, NULL), 0);

    EIN_FREE char *changed = strdup(cursor), *cut = strdup(cursor);
    changed[strlen(changed) / 2] ^= 1;
    cut[strlen(cut) - 4] = '\0';
    const char *const bad[] = {
        "", "x", "' OR 1=1 --", "%00", changed, cut, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ein_error err = { 0 };
        query.cursor = bad[i];
        assert_int_equal(
            fixture->backend->find(fixture->impl, "things", &query, note, &walk, NULL, &err),
            EIN_E_INVALID);
        assert_string_equal(err.text, "The cursor does not come from this query");
    }
    query.cursor = cursor;
    query.where = where;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &walk, NULL, NULL),
        EIN_E_INVALID);
    query.where = NULL;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "other", &query, note, &walk, NULL, NULL),
        EIN_E_INVALID);
    fixture->host->table.mem_free(cursor);
}

static int stop_at_second(const json_t *doc, void *data)
{
    int *seen = data;

    return ++*seen == 2 ? 7 : 0;
}

static void the_walk_ends_when_each_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct walk rest = { .fixture = fixture };
    struct ein_query query = { .struct_size = sizeof(query) };
    char *cursor = NULL;
    int seen = 0;

    put(fixture, "a", "{}");
    put(fixture, "b", "{}");
    put(fixture, "c", "{}");
    assert_int_equal(fixture->backend->find(fixture->impl, "things", &query, stop_at_second, &seen,
                                            &cursor, NULL),
                     7);
    assert_int_equal(seen, 2);
    assert_non_null(cursor);
    query.cursor = cursor;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, note, &rest, NULL, NULL), 0);
    assert_string_equal(rest.ids, "c ");
    fixture->host->table.mem_free(cursor);
}

const struct CMUnitTest find_tests[] = {
    TEST(every_operator_matches_every_type_as_promised),
    TEST(an_index_changes_no_answer),
    TEST(an_index_is_of_one_field_or_two),
    TEST(an_index_may_come_before_the_first_document),
    TEST(numbers_are_compared_exactly),
    TEST(text_is_compared_by_bytes),
    TEST(names_with_quotes_and_escapes_are_fields_too),
    TEST(an_id_is_compared_with_any_text),
    TEST(order_is_by_fields_then_creation),
    TEST(a_query_that_makes_no_sense_is_refused_in_words),
    TEST(a_query_that_does_not_say_how_long_it_is_finds_nothing),
    TEST(pages_joined_are_the_whole),
    TEST(what_documents_weigh_is_what_they_take),
    TEST(a_find_gives_the_members_that_are_asked_for),
    TEST(what_is_read_in_portions_is_the_same),
    TEST(a_page_ends_where_it_would_be_too_long),
    TEST(a_walk_sees_every_document_once_while_others_write),
    TEST(a_cursor_outlives_the_document_it_points_to),
    TEST(what_is_created_behind_a_cursor_is_found),
    TEST(a_cursor_not_from_this_query_is_refused),
    TEST(the_walk_ends_when_each_says_so),
};
const size_t find_test_count = sizeof(find_tests) / sizeof(find_tests[0]);
