/* SPDX-License-Identifier: Apache-2.0 */
/* The stores and a model that reads plugin.h to the letter are told and asked the same, at random:
 * whatever one of them says differently is a bug of it, or a hole in the contract.
 *
 * usage: storage_differ [SEED]; for EIN_DIFFER_SECONDS (2) each test.  storage-postgres takes part
 * where EIN_POSTGRES_URL says where its database is. */
#include "storage.h"
#include "storage_model.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    STEPS = 120,
    BATCH_MAX = 12,
    IDS = 60,
    MANY = 800, /* documents with equal values */
    PAGES_MAX = 60,
    CONDITIONS_MAX = 3,
    STOPPED = 7,
    THREADS = 3
};

static const char *const store_names[MODEL_STORES] = { "storage-memory", "storage-sqlite",
                                                       "storage-postgres" };

struct store {
    struct fixture fixture;
    bool in_portions; /* a page may be shorter than its limit */
};

struct world {
    unsigned long seed;
    int round, step;
    uint64_t state;
    struct store stores[MODEL_STORES];
    int store_count;
    struct model model;
    const char *own; /* what the ids of one of several threads begin with; "" */
};

static unsigned long first_seed;

/* ---- chance ---- */

static uint64_t next(struct world *world)
{
    uint64_t x = world->state += 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static int below(struct world *world, int bound)
{
    return (int)(next(world) % (uint64_t)bound);
}

static bool one_in(struct world *world, int count)
{
    return below(world, count) == 0;
}

#define ANY_OF(world, list) ((list)[below(world, (int)(sizeof(list) / sizeof((list)[0])))])

static const int64_t integers[] = { 0,
                                    1,
                                    -1,
                                    2,
                                    3,
                                    7,
                                    1000,
                                    INT64_MAX,
                                    INT64_MAX - 1,
                                    INT64_MAX - 511,
                                    INT64_MIN,
                                    INT64_MIN + 1,
                                    9007199254740991,
                                    9007199254740992,
                                    9007199254740993,
                                    -9007199254740993,
                                    4611686018427387905 };
static const double reals[] = { 0.0,   -0.0,   0.5,    1.0,    1.5,    2.0,
                                7.0,   -1.0,   0x1p53, 0x1p63, 0x1p62, -0x1p63,
                                1e300, -1e300, 5e-324, 0.1,    1e22,   0x1.fffffffffffffp62,
                                1e-7 };
static const char *const pieces[] = { "a",
                                      "b",
                                      "ab",
                                      ".",
                                      "A",
                                      "z",
                                      " ",
                                      "'",
                                      "\"",
                                      "\\",
                                      "%",
                                      "_",
                                      "\n",
                                      "\x01",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc3\xa9",
                                      "\xc3\xbf",
                                      "\xdf\xbf",
                                      "\xef\xbf\xbd",
                                      "\xef\xbf\xbf",
                                      "\xf0\x9f\x94\xa8",
                                      "\xf4\x8f\xbf\xbf",
                                      "e\xcc\x81",
                                      "1" };
static const char *const members[] = {
    "a", "b", "n", "s", "a.b", "\xc3\xa9", "x\"y", "due", "a,b"
};
static const char *const paths[] = { "a",        "b",    "n",   "s",   "a.b",  "b.a",   "a.b.a",
                                     "\xc3\xa9", "x\"y", "due", "_id", "none", "_id.a", "a,b" };

static size_t write_text(struct world *world, char *text)
{
    size_t len = 0;

    if (one_in(world, 12)) /* about as long as what an index has of it */
        memset(text, 'a', len = (size_t)(1018 + below(world, 10)));
    for (int i = below(world, 4); i; i--) {
        const char *piece = ANY_OF(world, pieces);
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    if (one_in(world, 20))
        text[len++] = '\0';
    return len;
}

static json_t *text_value(struct world *world)
{
    char text[1100];
    size_t len = write_text(world, text);

    return json_stringn(text, len);
}

static json_t *scalar(struct world *world)
{
    switch (below(world, 8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(one_in(world, 2));
    case 2:
    case 3:
        return json_integer(ANY_OF(world, integers));
    case 4:
        return json_real(ANY_OF(world, reals));
    default:
        return text_value(world);
    }
}

static json_t *value(struct world *world, int depth)
{
    json_t *json;

    if (depth > 2 || !one_in(world, 5))
        return scalar(world);
    json = one_in(world, 3) ? json_array() : json_object();
    for (int i = below(world, 3); i; i--)
        if (json_is_array(json))
            json_array_append_new(json, value(world, depth + 1));
        else
            json_object_set_new(json, members[one_in(world, 2)],
                                value(world, depth + 1)); /* a, b */
    return json;
}

static json_t *document(struct world *world)
{
    json_t *doc = json_object();

    for (int i = below(world, 6); i; i--) /* paths lead somewhere */
        json_object_set_new(doc, one_in(world, 3) ? "a" : ANY_OF(world, members), value(world, 0));
    if (one_in(world, 10))
        json_object_set_new(doc, "_rev", json_string("1-none"));
    if (one_in(world, 10))
        json_object_set_new(doc, "_id", json_integer(7));
    return doc;
}

static void an_id(struct world *world, char id[64])
{
    int number = below(world, IDS);

    snprintf(id, 64, "%s%s%d", world->own,
             pieces[number % (int)(sizeof(pieces) / sizeof(pieces[0]))], number);
}

/* ---- saying what differs ---- */

static _Noreturn void differs(const struct world *world, int store, const char *what,
                              const json_t *asked, const char *format, ...)
{
    EIN_FREE char *text = asked ? json_dumps(asked, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    char said[2048];
    va_list list;

    va_start(list, format);
    vsnprintf(said, sizeof(said), format, list);
    va_end(list);
    print_error("seed %lu, round %d, step %d%s: %s, %s %.4000s: %s\n", world->seed, world->round,
                world->step, world->own, store_names[store], what, text ? text : "", said);
    abort(); /* cmocka could not go on in another thread */
}

/* Of objects some members; all else whole. */
static bool is_part_of(const json_t *part, const json_t *whole)
{
    const char *name;
    json_t *member;

    if (!json_is_object(part) || !json_is_object(whole))
        return json_equal(part, whole);
    json_object_foreach((json_t *)part, name, member)
    {
        const json_t *other = json_object_get(whole, name);

        if (!other || !is_part_of(member, other))
            return false;
    }
    return true;
}

/* Others may be there. */
static bool has_what_is_asked_for(const json_t *read, const json_t *whole,
                                  const char *const *fields)
{
    for (; *fields; fields++) {
        EIN_JSON json_t *member = model_value(whole, NULL, *fields);
        EIN_JSON json_t *found = model_value(read, NULL, *fields);
        const json_t *own = json_object_get(whole, *fields);

        if ((member && !json_equal(found, member)) ||
            (own && !json_equal(json_object_get(read, *fields), own)))
            return false;
    }
    return is_part_of(read, whole);
}

static void same_document(const struct world *world, int store, const struct model_doc *expected,
                          const json_t *doc, const char *const *fields)
{
    EIN_JSON json_t *read = json_copy((json_t *)doc);

    json_object_del(read, "_id");
    json_object_del(read, "_rev");
    if (strcmp(json_string_value(json_object_get(doc, "_id")), expected->id) != 0)
        differs(world, store, "a document instead of", NULL, "'%s' not '%s'",
                json_string_value(json_object_get(doc, "_id")), expected->id);
    if (strcmp(json_string_value(json_object_get(doc, "_rev")), expected->revs[store]) != 0)
        differs(world, store, "the revision of", doc, "not %s", expected->revs[store]);
    if (fields ? !has_what_is_asked_for(read, expected->members, fields)
               : !json_equal(read, expected->members)) {
        EIN_FREE char *text = json_dumps(expected->members, JSON_COMPACT);
        differs(world, store, "the document", doc, "not %s", text);
    }
}

/* ---- writing ---- */

static void run_batch(struct world *world, const struct ein_doc_op *ops, const int *expects,
                      size_t count)
{
    static const char *const fixed[] = { EIN_REV_ANY, EIN_REV_NEW, "1-0123456789abcdef" };
    EIN_FREE struct ein_doc_op *told = calloc(count, sizeof(*told));
    EIN_FREE char(*revs)[MODEL_STORES][EIN_REV_SIZE] = calloc(count, sizeof(*revs));
    int expected = 0;

    for (size_t i = 0; i < count; i++) {
        const struct model_doc *doc = model_get(&world->model, ops[i].id);
        if (doc)
            memcpy(revs[i], doc->revs, sizeof(doc->revs));
    }
    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        struct ein_error err = { 0 };
        memcpy(told, ops, count * sizeof(*ops));
        for (size_t i = 0; i < count; i++)
            told[i].expect = expects[i] < 3 ? fixed[expects[i]]
                             : *revs[i][s]  ? revs[i][s]
                                            : fixed[2];
        if (s == 0)
            expected = model_batch(&world->model, told, count);
        int r = batch(fixture, told, count, &err);
        if (r != expected)
            differs(world, s, "batch", NULL, "%d (%s), not %d", r, err.text, expected);
        for (size_t i = 0; r >= 0 && i < count; i++) {
            struct model_doc *doc = model_get(&world->model, ops[i].id);
            if (doc && (ops[i].kind == EIN_DOC_PUT || ops[i].kind == EIN_DOC_UPDATE))
                memcpy(doc->revs[s], told[i].ret_rev, EIN_REV_SIZE);
        }
    }
}

static void write_some(struct world *world)
{
    static const int kinds[] = { EIN_DOC_PUT,    EIN_DOC_PUT,    EIN_DOC_PUT,  EIN_DOC_UPDATE,
                                 EIN_DOC_UPDATE, EIN_DOC_DELETE, EIN_DOC_CHECK };
    static const int64_t least[] = { INT64_MIN, INT64_MIN, 0 };
    struct ein_doc_op ops[BATCH_MAX] = { 0 };
    char ids[BATCH_MAX][64];
    int expects[BATCH_MAX], count = 1 + below(world, BATCH_MAX);

    for (int i = 0; i < count; i++) {
        an_id(world, ids[i]);
        ops[i] = (struct ein_doc_op){ .kind = ANY_OF(world, kinds), .set = "things", .id = ids[i] };
        bool exists = model_get(&world->model, ids[i]);
        if (!exists && !one_in(world, 40)) /* or few batches would be done */
            ops[i].kind = EIN_DOC_PUT;
        if (ops[i].kind == EIN_DOC_PUT || (ops[i].kind == EIN_DOC_UPDATE && !one_in(world, 3)))
            ops[i].doc = document(world);
        if (ops[i].kind == EIN_DOC_UPDATE && one_in(world, 8)) {
            ops[i].add_field = one_in(world, 2) ? "n" : "due";
            ops[i].add_by = ANY_OF(world, integers);
            ops[i].add_min = ANY_OF(world, least);
        }
        expects[i] = one_in(world, 40) ? below(world, 3) : one_in(world, 3) && exists ? 3 : 0;
    }
    run_batch(world, ops, expects, (size_t)count);
    for (int i = 0; i < count; i++)
        json_decref((json_t *)ops[i].doc);
}

/* Equal values in thousands. */
static void write_many(struct world *world)
{
    EIN_FREE struct ein_doc_op *ops = calloc(MANY, sizeof(*ops));
    EIN_FREE int *expects = calloc(MANY, sizeof(*expects));
    EIN_FREE char(*ids)[64] = calloc(MANY, sizeof(*ids));
    EIN_JSON json_t *doc = document(world), *other = document(world);

    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%smany%d", world->own, i * 7 % MANY);
        ops[i] = (struct ein_doc_op){ .kind = EIN_DOC_PUT, .set = "things", .id = ids[i] };
        ops[i].doc = one_in(world, 30) ? other : doc;
    }
    run_batch(world, ops, expects, MANY);
}

/* ---- asking ---- */

static json_t *operand(struct world *world, const char *field)
{
    char id[64];

    if (strcmp(field, "_id") != 0 || one_in(world, 3))
        return scalar(world);
    an_id(world, id);
    return json_string(id);
}

/* That of a document there is, more often than not. */
static json_t *likely(struct world *world, const char *field)
{
    if (world->model.count && !strchr(field, '.') && !one_in(world, 3)) {
        const struct model_doc *doc = &world->model.docs[below(world, (int)world->model.count)];
        json_t *found = json_object_get(doc->members, field);
        if (found && !json_is_array(found) && !json_is_object(found))
            return json_incref(found);
    }
    return operand(world, field);
}

static json_t *condition(struct world *world, const char *field)
{
    static const char *const ops[] = { "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$prefix" };
    json_t *json = json_object();

    if (one_in(world, 3)) {
        json_decref(json);
        return likely(world, field);
    }
    for (int i = 1 + below(world, 3); i; i--) {
        const char *op = ANY_OF(world, ops);
        json_t *with = NULL;
        if (strcmp(op, "$in") == 0) {
            with = json_array();
            for (int k = below(world, 5); k; k--)
                json_array_append_new(with, likely(world, field));
        } else if (strcmp(op, "$prefix") == 0) {
            with = one_in(world, 2) ? json_string(ANY_OF(world, pieces)) : text_value(world);
        } else {
            with = likely(world, field);
        }
        json_object_set_new(json, op, with);
    }
    return json;
}

static json_t *filter(struct world *world)
{
    json_t *where = json_object();

    if (!*world->own && one_in(world, 4)) {
        json_decref(where);
        return NULL;
    }
    for (int i = below(world, CONDITIONS_MAX + 1); i; i--) {
        const char *field = ANY_OF(world, paths);
        json_object_set_new(where, field, condition(world, field));
    }
    if (*world->own)
        json_object_set_new(where, "_id", json_pack("{s:s}", "$prefix", world->own));
    return where;
}

struct page {
    json_t *docs; /* of documents */
    size_t stop_at;
};

static int keep(const json_t *doc, void *data)
{
    struct page *page = data;

    json_array_append(page->docs, (json_t *)doc);
    return json_array_size(page->docs) == page->stop_at ? STOPPED : 0;
}

struct walk {
    struct ein_query query; /* of this store: its cursor */
    char *cursor;
    struct model_place place;
    bool done;
};

static json_t *describe(const struct ein_query *query)
{
    json_t *asked = json_object(), *order = json_array(), *fields = json_array();

    json_object_set(asked, "where", (json_t *)query->where);
    for (const char *const *field = query->order; field && *field; field++)
        json_array_append_new(order, json_string(*field));
    for (const char *const *field = query->fields; field && *field; field++)
        json_array_append_new(fields, json_string(*field));
    json_object_set_new(asked, "order", order);
    json_object_set_new(asked, query->fields ? "fields" : "all fields", fields);
    json_object_set_new(asked, "limit", json_integer(query->limit));
    json_object_set_new(asked, "resumed", json_boolean(query->cursor));
    return asked;
}

static void ask_page(struct world *world, int s, struct walk *walk, bool wants_cursor,
                     size_t stop_at)
{
    struct fixture *fixture = &world->stores[s].fixture;
    EIN_JSON json_t *docs = json_array();
    struct page page = { docs, stop_at };
    struct ein_error err = { 0 };
    char *cursor = NULL;
    size_t there;

    walk->query.cursor = walk->cursor;
    EIN_JSON json_t *asked = describe(&walk->query);
    EIN_FREE const struct model_doc **expected =
        model_find(&world->model, walk->query.where, walk->query.order, &walk->place, &there);
    size_t most = walk->query.limit && walk->query.limit < there ? walk->query.limit : there;
    int stops = stop_at && stop_at <= most ? STOPPED : 0;
    if (stops)
        most = stop_at;

    int r = fixture->backend->find(fixture->impl, "things", &walk->query, keep, &page,
                                   wants_cursor ? &cursor : NULL, &err);
    size_t given = json_array_size(docs);
    bool cut = r == 0 && wants_cursor && world->stores[s].in_portions && given && given < most;
    if (r != stops && !cut)
        differs(world, s, "find", asked, "%d (%s), not %d", r, err.text, stops);
    for (size_t i = 0; i < given && i < most; i++)
        same_document(world, s, expected[i], json_array_get(docs, i), walk->query.fields);
    if (given != most && !cut)
        differs(world, s, "find", asked, "%zu documents, not %zu", given, most);
    if (wants_cursor && !cursor && given < there)
        differs(world, s, "find", asked, "no cursor after %zu of %zu", given, there);
    if (cursor && given == there && !world->stores[s].in_portions)
        differs(world, s, "find", asked, "a cursor after all %zu", there);

    if (given)
        model_stand(&walk->place, expected[given - 1]);
    fixture->host->table.mem_free(walk->cursor);
    walk->cursor = cursor;
    walk->done = !cursor;
}

static void find_some(struct world *world)
{
    static const char *const all_orders[] = { "a",    "-a",   "b",         "-b",   "n",   "-n",
                                              "s",    "-s",   "a.b",       "-b.a", "due", "_id",
                                              "-_id", "none", "-\xc3\xa9", "a,b" };
    EIN_JSON json_t *where = filter(world);
    const char *order[MODEL_ORDER + 1] = { 0 }, *fields[4] = { 0 };
    struct walk walks[MODEL_STORES] = { 0 };
    struct ein_query query = { .struct_size = sizeof(query), .where = where };
    bool whole = one_in(world, 3), changes = one_in(world, 2), going_on = true;

    for (int i = below(world, MODEL_ORDER); i; i--)
        order[i - 1] = ANY_OF(world, all_orders);
    query.order = *order || one_in(world, 2) ? order : NULL;
    if (one_in(world, 3)) {
        for (int i = below(world, 4); i; i--)
            fields[i - 1] = one_in(world, 2) ? "a.b" : ANY_OF(world, paths);
        query.fields = fields;
    }
    query.limit = whole && one_in(world, 2)
                      ? 0
                      : (uint32_t)(1 + below(world, 30) + (int)world->model.count / 20);
    for (int s = 0; s < world->store_count; s++)
        walks[s].query = query;
    for (int pages = 0; going_on && pages < PAGES_MAX; pages++) {
        size_t stop_at = one_in(world, 6) ? (size_t)(1 + below(world, 12)) : 0;
        going_on = false;
        for (int s = 0; s < world->store_count; s++) {
            if (!walks[s].done)
                ask_page(world, s, &walks[s], !whole, stop_at);
            going_on = going_on || !walks[s].done;
        }
        if (going_on && changes)
            write_some(world);
    }
    for (int s = 0; s < world->store_count; s++) {
        world->stores[s].fixture.host->table.mem_free(walks[s].cursor);
        model_leave(&walks[s].place);
    }
}

static void tally_and_weigh(struct world *world)
{
    EIN_JSON json_t *where = filter(world);
    size_t count, weight = 0;
    EIN_FREE const struct model_doc **found = model_find(&world->model, where, NULL, NULL, &count);

    for (size_t i = 0; i < count; i++) {
        const struct ein_host *host = &world->stores[0].fixture.host->table;
        size_t len;
        host->mem_free(host->json_text(found[i]->members, &len));
        weight += len;
    }
    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        struct ein_error err = { 0 };
        uint64_t number = 0, bytes = 0;
        if (fixture->backend->tally(fixture->impl, "things", where, &number, &err) < 0 ||
            fixture->backend->weigh(fixture->impl, "things", where, &bytes, &err) < 0)
            differs(world, s, "tally or weigh", where, "%s", err.text);
        if (number != count)
            differs(world, s, "tally", where, "%zu, not %zu", (size_t)number, count);
        if (bytes != weight)
            differs(world, s, "weigh", where, "%zu, not %zu", (size_t)bytes, weight);
    }
}

static void claim_one(struct world *world)
{
    const char *field = one_in(world, 3) ? "n" : one_in(world, 2) ? "due" : "a";
    int64_t now = ANY_OF(world, integers), lease = below(world, 3) * 1000 - 1000, due;
    bool leaves = __builtin_add_overflow(now, lease, &due);
    struct model_doc *expected = leaves ? NULL : model_claim(&world->model, field, now, lease);
    EIN_JSON json_t *asked = json_pack("{s:s, s:I, s:I}", "due", field, "now", (json_int_t)now,
                                       "lease", (json_int_t)lease);

    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        struct ein_error err = { 0 };
        EIN_JSON json_t *doc = NULL;
        int r = fixture->backend->claim(fixture->impl, "things", field, now, lease, &doc, &err);
        if (r != (leaves ? EIN_E_INVALID : expected ? 1 : 0))
            differs(world, s, "claim", asked, "%d (%s), not %s", r, err.text,
                    expected ? expected->id : "none");
        if (!expected)
            continue;
        snprintf(expected->revs[s], EIN_REV_SIZE, "%s",
                 json_string_value(json_object_get(doc, "_rev")));
        same_document(world, s, expected, doc, NULL);
    }
}

static void declare_index(struct world *world)
{
    char field[300];

    snprintf(field, sizeof(field), "%s", ANY_OF(world, paths));
    if (one_in(world, 2))
        snprintf(field, sizeof(field), "%s,%s", paths[below(world, 13)], paths[below(world, 13)]);
    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        struct ein_error err = { 0 };
        if (fixture->backend->index(fixture->impl, "things", field, &err) < 0)
            differs(world, s, "index", NULL, "%s: %s", field, err.text);
    }
}

static void get_one(struct world *world)
{
    char id[64];

    an_id(world, id);
    const struct model_doc *expected = model_get(&world->model, id);
    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        EIN_JSON json_t *doc = NULL;
        struct ein_error err = { 0 };
        int r = fixture->backend->get(fixture->impl, "things", id, &doc, &err);
        if (r != (expected ? 0 : EIN_E_NOT_FOUND))
            differs(world, s, "get", NULL, "%s: %d (%s)", id, r, err.text);
        if (expected)
            same_document(world, s, expected, doc, NULL);
    }
}

/* ---- rounds ---- */

static json_t *settings_of(struct world *world, int s)
{
    json_t *settings = json_object();
    bool is_sqlite = strcmp(store_names[s], "storage-sqlite") == 0;

    world->stores[s].in_portions =
        strcmp(store_names[s], "storage-memory") != 0 && one_in(world, 2);
    if (world->stores[s].in_portions)
        json_object_set_new(settings, "find_bytes", json_integer(1 + below(world, 20000)));
    if (is_sqlite && one_in(world, 2))
        json_object_set_new(settings, "cache_mib", json_integer(0));
    return settings;
}

static void open_stores(struct world *world)
{
    world->store_count = getenv("EIN_POSTGRES_URL") ? MODEL_STORES : MODEL_STORES - 1;
    for (int s = 0; s < world->store_count; s++) {
        struct fixture *fixture = &world->stores[s].fixture;
        fixture_begin(fixture, store_names[s], settings_of(world, s));
    }
}

/* Those that keep something: what is in no cache is what was written. */
static void reopen_stores(struct world *world)
{
    for (int s = 1; s < world->store_count; s++) {
        fixture_close(&world->stores[s].fixture);
        fixture_open(&world->stores[s].fixture, settings_of(world, s));
    }
}

static void close_stores(struct world *world)
{
    for (int s = 0; s < world->store_count; s++)
        fixture_end(&world->stores[s].fixture);
    model_done(&world->model);
}

static void play(struct world *world, int steps)
{
    bool alone = !*world->own;

    for (world->step = 0; world->step < steps; world->step++) {
        int dice = below(world, 100);
        if (dice < 30)
            write_some(world);
        else if (dice < 36)
            declare_index(world);
        else if (dice < 50)
            tally_and_weigh(world);
        else if (dice < 58 && alone)
            claim_one(world);
        else if (dice < 62)
            get_one(world);
        else if (dice == 62)
            write_many(world);
        else if (dice == 63 && alone)
            reopen_stores(world);
        else
            find_some(world);
    }
}

static void *play_own(void *world)
{
    play(world, STEPS / THREADS);
    return NULL;
}

/* Each has documents of its own, and nothing that others do may be seen in them. */
static void play_together(struct world *world)
{
    static const char *const own[THREADS] = { "t0-", "t1-", "t2-" };
    struct world worlds[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        worlds[i] = *world;
        worlds[i].own = own[i];
        worlds[i].state = next(world);
        worlds[i].model = (struct model){ 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, play_own, &worlds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        model_done(&worlds[i].model);
    }
}

static void play_alone(struct world *world)
{
    play(world, STEPS);
}

static void play_rounds(void (*one)(struct world *world))
{
    const char *seconds = getenv("EIN_DIFFER_SECONDS");
    const time_t end = time(NULL) + (seconds ? atoi(seconds) : 2);
    struct world world = { .seed = first_seed, .own = "" };

    do {
        world.state = world.seed;
        open_stores(&world);
        one(&world);
        close_stores(&world);
        world.round++;
        world.seed++;
    } while (time(NULL) < end);
    printf("%d rounds of %d steps, seeds from %lu\n", world.round, STEPS, first_seed);
}

static void all_stores_say_what_the_contract_says(void **state)
{
    play_rounds(play_alone);
}

static void so_they_do_while_others_write(void **state)
{
    play_rounds(play_together);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_stores_say_what_the_contract_says),
        cmocka_unit_test(so_they_do_while_others_write),
    };

    first_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : (unsigned long)time(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
