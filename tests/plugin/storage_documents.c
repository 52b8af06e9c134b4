/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

#include <inttypes.h>

static void a_document_comes_back_as_it_was_put(void **state)
{
    struct fixture *fixture = *state;
    static const char *const docs[] = {
        "{}",
        "{'z':1,'a':{'y':[1,2.5,null,true,'x'],'b':{}},'m':''}",
        "{'int':9223372036854775807,'min':-9223372036854775808,'real':0.1,'whole':3.0}",
        "{'unicode':'Gr\303\274\303\237e \344\275\240 \360\237\224\250','k\303\266y':1}",
        "{'nul':'a\\u0000b','control':'\\u0001\\n','quote':'\\\\'}",
    };

    for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
        put(fixture, "x", docs[i]);
        expect_members(fixture, "things", "x", docs[i]); /* in this order, too */
        expect_members(fixture, "things", "x", docs[i]); /* and once more, from any cache */
    }
}

static void a_text_is_stored_as_its_document_would_be(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "{\"z\":1,\"k\":\"b\",\"nul\":\"a\\u0000b\",\"m\":{\"n\":[0.1]}}";
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_PUT, .set = "things", .id = "x", .expect = EIN_REV_NEW, .text = text },
        { .kind = EIN_DOC_UPDATE, .set = "things", .id = "x", .add_field = "z", .add_by = 2 }
    };

    assert_int_equal(fixture->backend->index(fixture->impl, "things", "k", NULL), 0);
    assert_int_equal(batch(fixture, &ops[0], 1, NULL), 0);
    expect_members(fixture, "things", "x", "{'z':1,'k':'b','nul':'a\\u0000b','m':{'n':[0.1]}}");
    ops[0].expect = EIN_REV_ANY;
    assert_int_equal(batch(fixture, ops, 2, NULL), 0); /* over what is there, and read again */
    expect_members(fixture, "things", "x", "{'z':3,'k':'b','nul':'a\\u0000b','m':{'n':[0.1]}}");
    put(fixture, "w", "{'k':'c'}");
    put(fixture, "y", "{'k':'a'}");
    expect_found(fixture, "{'k': {'$gte': 'b'}}", "k", "x w");
}

static void what_was_got_does_not_change_afterwards(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *mine = json_pack("{s:[i]}", "list", 1);
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x", .doc = mine };

    assert_int_equal(batch(fixture, &op, 1, NULL), 0);
    EIN_JSON json_t *before = get(fixture, "things", "x");
    json_array_append_new(json_object_get(mine, "list"), json_integer(2));
    expect_members(fixture, "things", "x", "{'list':[1]}");

    put(fixture, "x", "{'list': 'gone'}");
    assert_true(json_is_array(json_object_get(before, "list")));
    assert_string_equal(json_string_value(json_object_get(before, "_rev")), op.ret_rev);
}

static void the_store_s_own_members_are_given_and_ignored(void **state)
{
    struct fixture *fixture = *state;
    char rev[EIN_REV_SIZE];

    put_in(fixture, "things", "x", "{'_id': 'liar', 'a': 1, '_rev': '9-ffffffffffffffff'}", rev);
    EIN_JSON json_t *doc = get(fixture, "things", "x");
    assert_string_equal(json_string_value(json_object_get(doc, "_id")), "x");
    assert_string_equal(json_string_value(json_object_get(doc, "_rev")), rev);
    assert_int_equal(json_object_size(doc), 3);
    expect_members(fixture, "things", "x", "{'a': 1}");
}

static void revisions_count_the_writes(void **state)
{
    struct fixture *fixture = *state;
    char rev[EIN_REV_SIZE], last[EIN_REV_SIZE] = "";
    struct ein_doc_op gone = { .kind = EIN_DOC_DELETE, .set = "things", .id = "x" };

    for (int i = 1; i <= 12; i++) {
        char start[8];
        put_in(fixture, "things", "x", "{}", rev);
        snprintf(start, sizeof(start), "%d-", i);
        assert_int_equal(strncmp(rev, start, strlen(start)), 0);
        assert_int_equal(strlen(rev), strlen(start) + 16);
        assert_int_equal(strspn(rev + strlen(start), "0123456789abcdef"), 16);
        assert_string_not_equal(rev, last);
        strcpy(last, rev);
    }
    assert_int_equal(batch(fixture, &gone, 1, NULL), 0);
    assert_string_equal(gone.ret_rev, "");
    put_in(fixture, "things", "x", "{}", rev);
    assert_int_equal(strncmp(rev, "1-", 2), 0);
}

static void sets_do_not_see_each_other(void **state)
{
    struct fixture *fixture = *state;

    put_in(fixture, "a", "x", "{'in': 'a'}", NULL);
    put_in(fixture, "a_1", "x", "{'in': 'a_1'}", NULL);
    put_in(fixture, "select", "x", "{'in': 'select'}", NULL);
    expect_members(fixture, "a", "x", "{'in': 'a'}");
    expect_members(fixture, "a_1", "x", "{'in': 'a_1'}");
    expect_members(fixture, "select", "x", "{'in': 'select'}");
    expect_missing(fixture, "b", "x");
    assert_int_equal(tally(fixture, "b", NULL), 0);
}

static bool has_name(const json_t *names, const char *name)
{
    const json_t *item;
    size_t i;

    json_array_foreach(names, i, item) if (strcmp(json_string_value(item), name) == 0) return true;
    return false;
}

static void sets_are_listed_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct ein_error err;
    EIN_JSON json_t *names = NULL;

    put_in(fixture, "listed_1", "x", "{}", NULL);
    put_in(fixture, "listed_2", "x", "{}", NULL);
    put_in(fixture, "listed_2", "y", "{}", NULL);
    assert_int_equal(fixture->backend->sets(fixture->impl, &names, &err), 0);
    assert_true(has_name(names, "listed_1"));
    assert_true(has_name(names, "listed_2"));
    assert_false(has_name(names, "listed_3"));
}

static void expect_names_refused(struct fixture *fixture, const char *set, const char *id)
{
    struct ein_doc_op op = { .kind = EIN_DOC_DELETE, .set = set, .id = id };
    struct ein_error err = { 0 };
    json_t *doc;

    assert_int_equal(fixture->backend->get(fixture->impl, set, id, &doc, &err), EIN_E_INVALID);
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    assert_string_not_equal(err.text, "");
}

static void names_out_of_bounds_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const sets[] = { NULL,  "",    "A",   "1a",   "_a",
                                        "a-b", "a b", "a.b", "a\"b", "\xc3\xa9" };
    char name[65], id[10001];

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        expect_names_refused(fixture, sets[i], "x");
    memset(name, 'a', 64);
    name[64] = '\0';
    expect_names_refused(fixture, name, "x");
    name[63] = '\0';
    put_in(fixture, name, "x", "{'longest': 'name'}", NULL);
    expect_members(fixture, name, "x", "{'longest': 'name'}");

    memset(id, 'i', 10000);
    id[10000] = '\0';
    expect_names_refused(fixture, "things", id);
    id[513] = '\0';
    expect_names_refused(fixture, "things", id);
    id[512] = '\0';
    put(fixture, id, "{'longest': 'id'}");
    expect_members(fixture, "things", id, "{'longest': 'id'}");
    expect_names_refused(fixture, "things", "");
    expect_names_refused(fixture, "things", NULL);
    expect_names_refused(fixture, "things", "\xff\xfe");
}

static void any_text_is_an_id(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ids[] = { "' OR 1=1 --", "\"",       "\\",
                                       "../..",       "a/b",      "\n",
                                       "%",           "\xc3\xa9", "\xf0\x9f\x94\xa8",
                                       " ",           "_id" };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        put(fixture, ids[i], "{'v': 1}");
        expect_members(fixture, "things", ids[i], "{'v':1}");
    }
    assert_int_equal(tally(fixture, "things", NULL), sizeof(ids) / sizeof(ids[0]));
}

static void a_huge_document_is_stored_and_a_larger_one_refused(void **state)
{
    struct fixture *fixture = *state;
    enum { LIMIT = 16 << 20, FRAME = sizeof("{\"v\":\"\"}") - 1 };
    EIN_FREE char *text = malloc(LIMIT + 2);
    struct ein_error err = { 0 };
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "huge" };

    memset(text, 'x', LIMIT + 2);
    for (int over = 0; over <= 1; over++) {
        EIN_JSON json_t *doc = json_pack("{s:s%}", "v", text, (size_t)(LIMIT - FRAME + over));
        op.doc = doc;
        assert_int_equal(batch(fixture, &op, 1, &err), over ? EIN_E_TOO_LARGE : 0);
    }
    assert_non_null(strstr(err.text, "16777217 bytes; at most 16777216"));
    memcpy(text, "{\"v\":\"", 6);
    memcpy(text + LIMIT - 1, "\"}", 3);
    op.text = text;
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_TOO_LARGE);
    EIN_JSON json_t *doc = get(fixture, "things", "huge");
    assert_int_equal(json_string_length(json_object_get(doc, "v")), LIMIT - FRAME);

    struct ein_doc_op grow = {
        .kind = EIN_DOC_UPDATE, .set = "things", .id = "huge", .add_field = "n", .add_by = 1
    };
    assert_int_equal(batch(fixture, &grow, 1, &err), EIN_E_TOO_LARGE);
    assert_string_equal(json_string_value(json_object_get(doc, "_rev")), op.ret_rev);
}

static void what_could_not_be_read_again_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ein_error err = { 0 };
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x" };
    json_t *deep = json_array();

    for (int i = 0; i < 3000; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    EIN_JSON json_t *doc = json_pack("{s:o}", "deep", deep);
    op.doc = doc;
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    EIN_JSON json_t *bytes = json_pack("{s:o}", "v", json_string_nocheck("\xff"));
    op.doc = bytes;
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    EIN_JSON json_t *list = json_array();
    op.doc = list;
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    op.doc = NULL;
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    assert_string_equal(op.ret_rev, "");
    expect_missing(fixture, "things", "x");
}

/* ---- what must be stored for a write to happen ---- */

static void expect_op(struct fixture *fixture, int kind, const char *id, const char *expect,
                      int result, const char *text)
{
    EIN_JSON json_t *doc = json_of("{'written': true}");
    struct ein_doc_op op = { .kind = kind,
                             .set = "things",
                             .id = id,
                             .expect = expect,
                             .doc = kind == EIN_DOC_CHECK ? NULL : doc };
    struct ein_error err = { 0 };

    strcpy(op.ret_rev, "untouched");
    assert_int_equal(batch(fixture, &op, 1, &err), result);
    if (result < 0) {
        assert_string_equal(op.ret_rev, "untouched");
        assert_string_equal(err.text, text);
        assert_int_equal(err.code, result);
    }
}

static void a_write_happens_only_over_what_it_expects(void **state)
{
    struct fixture *fixture = *state;
    char rev[EIN_REV_SIZE], changed[200], none[200];
    static const char other[] = "1-0123456789abcdef";
    static const char exists[] = "Document 'x' in 'things' already exists";
    static const char missing[] = "Document 'no' not found in 'things'";

    put_in(fixture, "things", "x", "{}", rev);
    snprintf(changed, sizeof(changed),
             "Document 'x' in 'things' has changed: expected revision %s, found %s", other, rev);
    snprintf(none, sizeof(none),
             "Document 'no' in 'things' has changed: expected revision %s, found none", other);

    expect_op(fixture, EIN_DOC_PUT, "x", EIN_REV_NEW, EIN_E_CONFLICT, exists);
    expect_op(fixture, EIN_DOC_PUT, "x", other, EIN_E_CONFLICT, changed);
    expect_op(fixture, EIN_DOC_PUT, "no", other, EIN_E_CONFLICT, none);
    expect_op(fixture, EIN_DOC_CHECK, "x", EIN_REV_NEW, EIN_E_CONFLICT, exists);
    expect_op(fixture, EIN_DOC_CHECK, "x", other, EIN_E_CONFLICT, changed);
    expect_op(fixture, EIN_DOC_CHECK, "no", other, EIN_E_CONFLICT, none);
    expect_op(fixture, EIN_DOC_UPDATE, "x", EIN_REV_NEW, EIN_E_CONFLICT, exists);
    expect_op(fixture, EIN_DOC_UPDATE, "x", other, EIN_E_CONFLICT, changed);
    expect_op(fixture, EIN_DOC_UPDATE, "no", EIN_REV_ANY, EIN_E_NOT_FOUND, missing);
    expect_op(fixture, EIN_DOC_DELETE, "x", other, EIN_E_CONFLICT, changed);
    expect_op(fixture, EIN_DOC_DELETE, "no", EIN_REV_ANY, EIN_E_NOT_FOUND,
              "Document 'no' not found for deletion.");
    expect_members(fixture, "things", "x", "{}");

    expect_op(fixture, EIN_DOC_CHECK, "x", rev, 0, NULL);
    expect_op(fixture, EIN_DOC_CHECK, "x", EIN_REV_ANY, 0, NULL);
    expect_op(fixture, EIN_DOC_CHECK, "no", EIN_REV_NEW, 0, NULL);
    expect_op(fixture, EIN_DOC_PUT, "new", EIN_REV_NEW, 0, NULL);
    expect_op(fixture, EIN_DOC_PUT, "x", rev, 0, NULL);
    expect_members(fixture, "things", "x", "{'written':true}");
    EIN_JSON json_t *doc = get(fixture, "things", "x");
    expect_op(fixture, EIN_DOC_DELETE, "x", json_string_value(json_object_get(doc, "_rev")), 0,
              NULL);
    expect_missing(fixture, "things", "x");
}

/* ---- updates ---- */

static int update(struct fixture *fixture, const char *members, const char *field, int64_t by,
                  int64_t min, struct ein_error *err)
{
    EIN_JSON json_t *doc = members ? json_of(members) : NULL;
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = "things",
                             .id = "x",
                             .doc = doc,
                             .add_field = field,
                             .add_by = by,
                             .add_min = min };

    return batch(fixture, &op, 1, err);
}

static void an_update_replaces_members_and_adds(void **state)
{
    struct fixture *fixture = *state;
    struct ein_error err = { 0 };

    put(fixture, "x", "{'a':1,'b':{'c':1,'d':2},'credit':5,'text':'t','none':null}");
    assert_int_equal(
        update(fixture, "{'b':{'e':3},'new':0,'_id':'y','_rev':'z'}", NULL, 0, 0, &err), 0);
    expect_members(fixture, "things", "x",
                   "{'a':1,'b':{'e':3},'credit':5,'text':'t','none':null,'new':0}");
    assert_int_equal(update(fixture, NULL, "credit", -5, 0, &err), 0);
    assert_int_equal(update(fixture, NULL, "credit", -1, 0, &err), EIN_E_CONFLICT);
    assert_string_equal(err.text, "'credit' of document 'x' would become -1, below 0");
    assert_int_equal(update(fixture, NULL, "credit", -1, -1, &err), 0);
    assert_int_equal(update(fixture, NULL, "fresh", 3, 0, &err), 0);
    assert_int_equal(update(fixture, NULL, "none", 4, 0, &err), 0);
    assert_int_equal(update(fixture, "{'credit': 10}", "credit", 1, 0, &err), 0);
    expect_members(fixture, "things", "x",
                   "{'a':1,'b':{'e':3},'credit':11,'text':'t','none':4,'new':0,'fresh':3}");
}

static void an_update_that_cannot_add_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct ein_error err = { 0 };

    put(fixture, "x", "{'text':'t','most':9223372036854775807,'real':1.0}");
    assert_int_equal(update(fixture, "{'a':1}", "text", 1, 0, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "'text' of document 'x' is not an integer");
    assert_int_equal(update(fixture, "{'a':1}", "real", 1, 0, &err), EIN_E_INVALID);
    assert_int_equal(update(fixture, "{'a':1}", "most", 1, 0, &err), EIN_E_INVALID);
    assert_int_equal(update(fixture, "{'a':1}", "_rev", 1, 0, &err), EIN_E_INVALID);
    assert_int_equal(update(fixture, "{'a':1}", "_id", 1, 0, &err), EIN_E_INVALID);
    assert_int_equal(update(fixture, "{'a':1}", "a.b", 1, 0, &err), EIN_E_INVALID);
    assert_int_equal(update(fixture, "[]", NULL, 0, 0, &err), EIN_E_INVALID);
    expect_members(fixture, "things", "x", "{'text':'t','most':9223372036854775807,'real':1.0}");
}

/* ---- batches ---- */

static void a_batch_is_done_as_a_whole_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 8 };
    EIN_JSON json_t *doc = json_of("{'new': true}");
    const struct ein_doc_op good[COUNT] = {
        { .kind = EIN_DOC_PUT, .set = "things", .id = "made", .doc = doc },
        { .kind = EIN_DOC_PUT, .set = "things", .id = "old", .doc = doc },
        { .kind = EIN_DOC_DELETE, .set = "things", .id = "gone" },
        { .kind = EIN_DOC_UPDATE, .set = "things", .id = "made", .add_field = "n", .add_by = 2 },
        { .kind = EIN_DOC_PUT, .set = "fresh_set", .id = "first", .doc = doc },
        { .kind = EIN_DOC_PUT, .set = "things", .id = "gone", .doc = doc },
        { .kind = EIN_DOC_DELETE, .set = "things", .id = "made" },
        { .kind = EIN_DOC_CHECK, .set = "things", .id = "made", .expect = EIN_REV_NEW },
    };
    const struct ein_doc_op bad = {
        .kind = EIN_DOC_CHECK, .set = "things", .id = "middle", .expect = EIN_REV_NEW
    };
    struct ein_error err = { 0 };
    char rev[EIN_REV_SIZE];

    put_in(fixture, "things", "old", "{'n': 1}", rev);
    put(fixture, "gone", "{'n': 2}");
    put(fixture, "middle", "{'n': 3}");

    for (int at = 0; at <= COUNT; at++) {
        struct ein_doc_op ops[COUNT + 1];
        for (int i = 0; i <= COUNT; i++) {
            ops[i] = i < at ? good[i] : i == at ? bad : good[i - 1];
            strcpy(ops[i].ret_rev, "untouched");
        }
        assert_int_equal(batch(fixture, ops, COUNT + 1, &err), EIN_E_CONFLICT);
        for (int i = 0; i <= COUNT; i++)
            assert_string_equal(ops[i].ret_rev, "untouched");
        expect_missing(fixture, "things", "made");
        expect_missing(fixture, "fresh_set", "first");
        expect_members(fixture, "things", "old", "{'n': 1}");
        EIN_JSON json_t *old = get(fixture, "things", "old");
        assert_string_equal(json_string_value(json_object_get(old, "_rev")), rev);
        expect_found(fixture, NULL, NULL, "old gone middle"); /* as created, still */
    }

    struct ein_doc_op ops[COUNT];
    memcpy(ops, good, sizeof(ops));
    assert_int_equal(batch(fixture, ops, COUNT, &err), 0);
    expect_found(fixture, NULL, NULL, "old middle gone"); /* made anew, so now the last */
    expect_missing(fixture, "things", "made");
    expect_members(fixture, "fresh_set", "first", "{'new':true}");
    assert_int_equal(strncmp(ops[0].ret_rev, "1-", 2), 0);
    assert_int_equal(strncmp(ops[1].ret_rev, "2-", 2), 0);
    assert_int_equal(strncmp(ops[3].ret_rev, "2-", 2), 0);
    assert_string_equal(ops[6].ret_rev, "");
    assert_string_equal(ops[7].ret_rev, "");
}

static void a_batch_that_makes_no_sense_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ein_doc_op op = { .kind = 500, .set = "things", .id = "x" };
    struct ein_error err = { 0 };
    EIN_FREE struct ein_doc_op *many = calloc(10001, sizeof(*many));

    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "500 is not a kind of operation");
    assert_int_equal(fixture->backend->batch(fixture->impl, &op, 1, 8, &err), EIN_E_INVALID);
    assert_int_equal(batch(fixture, NULL, 0, &err), 0);
    for (int i = 0; i < 10001; i++)
        many[i] = (struct ein_doc_op){ .kind = EIN_DOC_CHECK, .set = "things", .id = "x" };
    assert_int_equal(batch(fixture, many, 10001, &err), EIN_E_TOO_LARGE);
    assert_int_equal(batch(fixture, many, 10000, &err), 0);
}

/* ---- claims ---- */

static void expect_claim(struct fixture *fixture, int64_t now, const char *id)
{
    struct ein_error err = { 0 };
    json_t *doc = NULL;
    int r = fixture->backend->claim(fixture->impl, "things", "due", now, 100, &doc, &err);

    assert_int_equal(r, id ? 1 : 0);
    if (!id)
        return;
    EIN_JSON json_t *stored = get(fixture, "things", id);
    assert_string_equal(json_string_value(json_object_get(doc, "_id")), id);
    assert_int_equal(json_integer_value(json_object_get(doc, "due")), now + 100);
    assert_true(json_equal(doc, stored));
    json_decref(doc);
}

static void a_claim_takes_the_one_that_is_due_longest(void **state)
{
    struct fixture *fixture = *state;
    struct ein_error err = { 0 };
    json_t *doc;

    expect_claim(fixture, 1000, NULL);
    for (int indexed = 0; indexed <= 1; indexed++) {
        put(fixture, "later", "{'due': 500}");
        put(fixture, "b", "{'due': 20, 'kept': [1]}");
        put(fixture, "a", "{'due': -10}");
        put(fixture, "tie", "{'due': 20}");
        put(fixture, "text", "{'due': '1'}");
        put(fixture, "real", "{'due': 1.0}");
        put(fixture, "never", "{}");
        expect_claim(fixture, -11, NULL);
        expect_claim(fixture, 20, "a");
        expect_claim(fixture, 20, "b");
        expect_claim(fixture, 20, "tie");
        expect_claim(fixture, 20, NULL);
        expect_members(fixture, "things", "b", "{'due': 120, 'kept': [1]}");
        expect_claim(fixture, 119, NULL);
        expect_claim(fixture, 120, "b");
        assert_int_equal(fixture->backend->index(fixture->impl, "things", "due", &err), 0);
    }
    assert_int_equal(
        fixture->backend->claim(fixture->impl, "things", "due", INT64_MAX, 1, &doc, &err),
        EIN_E_INVALID);
    assert_int_equal(fixture->backend->claim(fixture->impl, "things", "_rev", 1, 1, &doc, &err),
                     EIN_E_INVALID);
}

static void a_claim_passes_over_any_number_that_is_not_whole(void **state)
{
    struct fixture *fixture = *state;
    char id[16];

    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "real%d", i);
        put(fixture, id, i % 2 ? "{'due': 0.5}" : "{'due': 1.0}");
    }
    put(fixture, "whole", "{'due': 2}");
    expect_claim(fixture, 5, "whole");
    expect_claim(fixture, 5, NULL);
}

const struct CMUnitTest document_tests[] = {
    TEST(a_document_comes_back_as_it_was_put),
    TEST(a_text_is_stored_as_its_document_would_be),
    TEST(what_was_got_does_not_change_afterwards),
    TEST(the_store_s_own_members_are_given_and_ignored),
    TEST(revisions_count_the_writes),
    TEST(sets_do_not_see_each_other),
    TEST(sets_are_listed_by_name),
    TEST(names_out_of_bounds_are_refused),
    TEST(any_text_is_an_id),
    TEST(a_huge_document_is_stored_and_a_larger_one_refused),
    TEST(what_could_not_be_read_again_is_refused),
    TEST(a_write_happens_only_over_what_it_expects),
    TEST(an_update_replaces_members_and_adds),
    TEST(an_update_that_cannot_add_changes_nothing),
    TEST(a_batch_is_done_as_a_whole_or_not_at_all),
    TEST(a_batch_that_makes_no_sense_is_refused),
    TEST(a_claim_takes_the_one_that_is_due_longest),
    TEST(a_claim_passes_over_any_number_that_is_not_whole),
};
const size_t document_test_count = sizeof(document_tests) / sizeof(document_tests[0]);
