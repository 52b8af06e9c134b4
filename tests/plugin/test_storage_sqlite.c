/* SPDX-License-Identifier: Apache-2.0 */
/* What the behaviour suite cannot see: the file. */
#include "small_disk.h"
#include "storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 64 };

static void path_of(const struct fixture *fixture, const char *name, char path[160])
{
    snprintf(path, 160, "%s/made/%s", fixture->folder, name);
}

/* The first column of the first row that a plain SQLite, not ours, answers. */
static void expect_sql(const char *path, const char *sql, const char *expected)
{
    sqlite3 *handle;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(
        sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
        SQLITE_OK);
    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    int r = sqlite3_step(stmt);
    if (expected) {
        assert_int_equal(r, SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(stmt, 0), expected);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
}

/* Starting on the file as it is now fails, and the reason contains TEXT_PART. */
static void expect_no_start(struct fixture *fixture, int code, const char *text_part)
{
    char path[160];
    struct fake_host *host = fake_host_new();
    struct fake_plugin *plugin = NULL;
    struct ein_error err = { 0 };

    path_of(fixture, "store.db", path);
    assert_int_equal(
        fake_plugin_open(host, "storage-sqlite", json_pack("{s:s}", "path", path), &plugin, &err),
        0);
    assert_int_equal(fake_plugin_start(plugin, &err), code);
    if (!strstr(err.text, text_part) || !strstr(err.text, path))
        fail_msg("'%s' does not say '%s' and the path", err.text, text_part);
    fake_plugin_close(plugin);
    fake_host_free(host);
}

static void write_bytes(const char *path, off_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void reopen(struct fixture *fixture, json_t *take_settings)
{
    if (fixture->plugin)
        fixture_close(fixture);
    fixture_open(fixture, take_settings);
}

/* ---- memory ---- */

enum { MANY = 2000, MEMBERS = 100, CACHE_MIB = 4 };

/* Documents of many small members take ten times as much as their text.  (A sanitizer's malloc is
 * not asked: there this holds of anything.  The reader has 2 MiB of its own.) */
static void the_cache_keeps_to_its_memory(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *doc = json_object();
    static char ids[MANY][8];
    static struct ein_doc_op ops[MANY];
    size_t before, after;

    for (int i = 0; i < MEMBERS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%d", i);
        json_object_set_new(doc, name, json_integer(i));
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%d", i);
        ops[i] =
            (struct ein_doc_op){ .kind = EIN_DOC_PUT, .set = "things", .id = ids[i], .doc = doc };
    }
    reopen(fixture, json_pack("{s:i, s:i}", "cache_mib", CACHE_MIB, "readers", 1));
    assert_int_equal(batch(fixture, ops, MANY, NULL), 0);
    json_decref(get(fixture, "things", "0"));
    before = mallinfo2().uordblks;
    for (int i = 0; i < MANY; i++)
        json_decref(get(fixture, "things", ids[i]));
    after = mallinfo2().uordblks;
    assert_in_range(after > before ? after - before : 0, 0, (CACHE_MIB + 4) << 20);
}

/* ---- durable, and together ---- */

static void *add_one(void *data)
{
    struct fixture *fixture = data;
    struct ein_doc_op op = {
        .kind = EIN_DOC_UPDATE, .set = "things", .id = "x", .add_field = "n", .add_by = 1
    };
    intptr_t failed = batch(fixture, &op, 1, NULL) < 0;

    return (void *)failed;
}

/* While another program holds the file's write lock, everyone's write queues up. */
static void writes_that_wait_share_a_commit(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[THREADS];
    char path[160];
    sqlite3 *other;

    put(fixture, "x", "{}");
    put(fixture, "y", "{}"); /* a group is counted after its answers, so before the next */
    double commits = fake_host_counted(fixture->host, "einion_sqlite_commits_total");
    path_of(fixture, "store.db", path);
    assert_int_equal(sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_one, fixture), 0);
    nanosleep(&(struct timespec){ 3, 0 }, NULL);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    sqlite3_close(other);

    expect_members(fixture, "things", "x", "{'n': 64}");
    put(fixture, "y", "{}");
    commits = fake_host_counted(fixture->host, "einion_sqlite_commits_total") - commits;
    if (commits > THREADS / 4)
        fail_msg("%.0f commits for %d writes", commits, THREADS);
}

static void documents_and_indexes_outlive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    char rev[EIN_REV_SIZE], path[160];

    put_in(fixture, "things", "x", "{'b': 1, 'a': [2]}", rev);
    assert_int_equal(fixture->backend->index(fixture->impl, "things", "b", NULL), 0);
    reopen(fixture, NULL);
    assert_false(fake_host_logged(fixture->host, "not closed cleanly"));
    expect_members(fixture, "things", "x", "{'b': 1, 'a': [2]}");
    EIN_JSON json_t *doc = get(fixture, "things", "x");
    assert_string_equal(json_string_value(json_object_get(doc, "_rev")), rev);
    put(fixture, "y", "{'b': 0}");
    expect_found(fixture, NULL, "b", "y x");

    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    expect_sql(path, "PRAGMA integrity_check", "ok");
    expect_sql(path, "SELECT group_concat(id, ' ') FROM (SELECT id FROM set_things ORDER BY k1)",
               "y x");
    fixture_open(fixture, NULL);
}

static void an_index_is_what_finds_use(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    put(fixture, "x", "{'b': 1}");
    assert_int_equal(fixture->backend->index(fixture->impl, "things", "b", NULL), 0);
    path_of(fixture, "store.db", path);
    expect_sql(path, "SELECT count(*) FROM pragma_index_list('set_things') WHERE origin = 'c'",
               "1");
    expect_sql(path, "SELECT hex(k1) FROM set_things", "30BFF00000000000008000");
}

/* ---- what a find costs ---- */

enum { STEPS_AT_ONCE = 50, PAGES = 20, PAGE_DOCS = 100 };

static atomic_int steps; /* of SQLite, in all files that are open, STEPS_AT_ONCE each */
static sqlite3 *reader;  /* the last one that was opened while steps were watched */

static int count_steps(void *data)
{
    steps++;
    return 0;
}

static int watch_steps(sqlite3 *handle, char **text, const struct sqlite3_api_routines *api)
{
    reader = handle;
    sqlite3_progress_handler(handle, STEPS_AT_ONCE, count_steps, NULL);
    return SQLITE_OK;
}

/* A store that counts steps, and has documents whose `n` are 0, 1, 2 ... of `by` "even" and "odd",
 * two of "few", and all of `kind` "x"; each with so long a text. */
static void open_counted(struct fixture *fixture, int count, size_t text_len, const char *index)
{
    static char ids[PAGES * PAGE_DOCS][8];
    static struct ein_doc_op ops[PAGES * PAGE_DOCS];
    EIN_JSON json_t *docs = json_array();
    EIN_FREE char *text = calloc(1, text_len + 1);

    memset(text, '-', text_len);
    sqlite3_auto_extension((void (*)(void))watch_steps);
    reopen(fixture, json_pack("{s:i, s:i}", "cache_mib", 0, "readers", 1));
    for (int i = 0; i < count; i++) {
        const char *by = i < 2 ? "few" : i % 2 ? "odd" : "even";
        json_t *doc =
            json_pack("{s:i, s:s, s:s, s:s}", "n", i, "by", by, "kind", "x", "text", text);
        json_array_append_new(docs, doc);
        snprintf(ids[i], sizeof(ids[i]), "%d", i);
        ops[i] =
            (struct ein_doc_op){ .kind = EIN_DOC_PUT, .set = "things", .id = ids[i], .doc = doc };
    }
    assert_int_equal(fixture->backend->index(fixture->impl, "things", index, NULL), 0);
    assert_int_equal(batch(fixture, ops, (size_t)count, NULL), 0);
    assert_int_equal(tally(fixture, "things", "{}"), count); /* opens the one reader */
    sqlite3_cancel_auto_extension((void (*)(void))watch_steps);
}

static int count_doc(const json_t *doc, void *count)
{
    ++*(int *)count;
    return 0;
}

/* The steps for a page of QUERY, whose cursor then leads to the next one. */
static int steps_of_page(struct fixture *fixture, struct ein_query *query, char **cursor)
{
    char *next = NULL;
    int before = steps, count = 0;

    query->cursor = *cursor;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", query, count_doc, &count, &next, NULL), 0);
    fixture->host->table.mem_free(*cursor);
    *cursor = next;
    assert_int_equal(count, query->limit);
    return steps - before;
}

static void a_page_far_behind_costs_what_the_first_one_does(void **state)
{
    static const char *const orders[][2] = { { "n", NULL }, { "-n", NULL } };
    struct fixture *fixture = *state;
    EIN_JSON json_t *where = json_of("{'n': {'$gte': 0, '$lt': 2000}}");

    open_counted(fixture, PAGES * PAGE_DOCS, 0, "n");
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ein_query query = {
            .struct_size = sizeof(query), .limit = PAGE_DOCS, .where = where, .order = orders[i]
        };
        char *cursor = NULL;
        int first = steps_of_page(fixture, &query, &cursor);

        for (int page = 1; page < PAGES; page++)
            assert_in_range(steps_of_page(fixture, &query, &cursor), 1, first * 2);
        assert_null(cursor);
    }
}

/* From either end, and in the middle. */
static void a_range_costs_nothing_of_what_lies_beside_it(void **state)
{
    static const char *const latest_first[] = { "-n", NULL };
    static const char *const ranges[] = { "{'n': {'$gte': 1900, '$lt': 2000}}",
                                          "{'n': {'$gte': 1000, '$lt': 1100}}",
                                          "{'n': {'$gte': 0, '$lt': 100}}" };
    struct fixture *fixture = *state;
    int first = 0;

    open_counted(fixture, PAGES * PAGE_DOCS, 0, "n");
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        EIN_JSON json_t *where = json_of(ranges[i]);
        struct ein_query query = {
            .struct_size = sizeof(query), .limit = PAGE_DOCS, .where = where, .order = latest_first
        };
        char *cursor = NULL;
        int cost = steps_of_page(fixture, &query, &cursor);

        first = first ? first : cost;
        assert_in_range(cost, 1, first * 2);
    }
}

/* However many others have. */
static void an_index_of_two_fields_finds_what_fits_both(void **state)
{
    static const struct {
        const char *index, *where, *order;
    } finds[] = {
        { "by,kind", "{'by': 'few', 'kind': 'x'}", NULL },
        { "by,n", "{'by': 'odd'}", "-n" },
        { "by,_id", "{'by': 'odd'}", "-_id" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        EIN_JSON json_t *where = json_of(finds[i].where);
        const char *const order[] = { finds[i].order, NULL };
        struct ein_query query = {
            .struct_size = sizeof(query), .limit = 2, .where = where, .order = order
        };
        char *cursor = NULL;

        open_counted(fixture, PAGES * PAGE_DOCS, 0, finds[i].index);
        assert_in_range(steps_of_page(fixture, &query, &cursor), 0, 10);
        fixture->host->table.mem_free(cursor);
    }
}

/* Those that are not on the page: of each, the keys would be behind its text. */
static void the_texts_of_others_are_not_read(void **state)
{
    enum { COUNT = 300, TEXT_LEN = 40000, PAGE_SIZE = 4096 };
    static const char *const latest_first[] = { "-n", NULL };
    struct fixture *fixture = *state;
    EIN_JSON json_t *where = json_of("{'by': {'$in': ['odd', 'even']}}");
    struct ein_query query = {
        .struct_size = sizeof(query), .limit = 5, .where = where, .order = latest_first
    };
    char *cursor = NULL;
    int pages_read = 0, most = 0;

    open_counted(fixture, COUNT, TEXT_LEN, "by,n");
    sqlite3_db_status(reader, SQLITE_DBSTATUS_CACHE_MISS, &pages_read, &most, 1);
    (void)steps_of_page(fixture, &query, &cursor);
    fixture->host->table.mem_free(cursor);
    sqlite3_db_status(reader, SQLITE_DBSTATUS_CACHE_MISS, &pages_read, &most, 1);
    assert_in_range(pages_read, 1, 10 * TEXT_LEN / PAGE_SIZE + COUNT / 10);
}

static void the_file_belongs_to_us_alone(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    struct stat info;

    path_of(fixture, "store.db", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    strcat(path, "-wal");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    path_of(fixture, "", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void a_second_server_on_the_same_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char text[64];
    int status;

    snprintf(text, sizeof(text), "in use by process %d", getpid());
    expect_no_start(fixture, EIN_E_CONFLICT, text);
    pid_t child = fork();
    if (child == 0) {
        expect_no_start(fixture, EIN_E_CONFLICT, text);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    put(fixture, "x", "{}"); /* and the first one is none the worse */
    expect_members(fixture, "things", "x", "{}");
}

/* ---- files that are not to be touched ---- */

static void a_newer_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    expect_sql(path, "PRAGMA user_version = 7", NULL);
    expect_no_start(fixture, EIN_E_INVALID, "written by a newer einion (schema 7");
    expect_sql(path, "PRAGMA user_version", "7");
    expect_sql(path, "PRAGMA user_version = 1", NULL);
    fixture_open(fixture, NULL);
}

static void another_program_s_file_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    assert_int_equal(unlink(path), 0);
    expect_sql(path, "CREATE TABLE theirs(x)", NULL);
    expect_no_start(fixture, EIN_E_INVALID, "the SQLite file of another program");
    expect_sql(path, "PRAGMA journal_mode", "delete");
    expect_sql(path, "SELECT group_concat(name) FROM sqlite_schema", "theirs");

    assert_int_equal(unlink(path), 0);
    char text[5000];
    memset(text, 'x', sizeof(text));
    write_bytes(path, 0, text, sizeof(text));
    expect_no_start(fixture, EIN_E_INVALID, "not an SQLite file");
    assert_int_equal(unlink(path), 0);
    fixture_open(fixture, NULL);
}

static void a_damaged_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[160], id[16], rubbish[4096];
    struct stat info;

    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        put(fixture, id, "{'text': 'some text that fills the pages of the file'}");
    }
    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    expect_sql(path, "UPDATE ein_state SET clean = 0", NULL);
    assert_int_equal(stat(path, &info), 0);
    memset(rubbish, 0x5a, sizeof(rubbish));
    for (off_t at = 8 * 4096; at < info.st_size; at += 4096)
        write_bytes(path, at, rubbish, sizeof(rubbish));
    expect_no_start(fixture, EIN_E_INVALID, "is damaged");
    assert_int_equal(unlink(path), 0);
    fixture_open(fixture, NULL);
}

static void a_file_not_closed_in_order_is_checked(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    expect_sql(path, "UPDATE ein_state SET clean = 0", NULL);
    fixture_open(fixture, NULL);
    assert_true(fake_host_logged(fixture->host, "was not closed cleanly: checking it"));
    reopen(fixture, NULL);
    assert_false(fake_host_logged(fixture->host, "checking it"));
    reopen(fixture, json_pack("{s:s}", "check", "always"));
    assert_true(fake_host_logged(fixture->host, "Checking "));
}

/* A file so large that its check is not over after a second. */
static int begin_slowly(unsigned kind, void *data, void *stmt, void *text)
{
    if (strstr(text, "quick_check"))
        nanosleep(&(struct timespec){ 1, 0 }, NULL);
    return 0;
}

static int make_slow(sqlite3 *handle, char **text, const struct sqlite3_api_routines *api)
{
    return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, begin_slowly, NULL);
}

static void a_check_that_takes_too_long_does_not_keep_the_server_away(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    put(fixture, "x", "{'a': 1}");
    path_of(fixture, "store.db", path);
    sqlite3_auto_extension((void (*)(void))make_slow);
    for (int ms = 0; ms < 2; ms++) {
        fixture_close(fixture);
        expect_sql(path, "UPDATE ein_state SET clean = 0", NULL);
        fixture_open(fixture, json_pack("{s:i}", "check_ms", ms));
        assert_true(fake_host_logged(fixture->host, "was not closed cleanly: checking it"));
        assert_int_equal(fake_host_logged(fixture->host, "too large to be checked completely"), ms);
        expect_members(fixture, "things", "x", "{'a': 1}");
        put(fixture, "y", "{}");
    }
    reopen(fixture, json_pack("{s:s, s:i}", "check", "always", "check_ms", 1));
    assert_false(fake_host_logged(fixture->host, "too large to be checked completely"));
    sqlite3_cancel_auto_extension((void (*)(void))make_slow);
}

static void a_path_that_is_no_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const paths[] = { ":memory:", "file:x?mode=memory", "",
                                  "/proc/nothing/x/store.db" };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct fake_host *host = fake_host_new();
        struct fake_plugin *plugin;
        struct ein_error err = { 0 };
        assert_int_equal(fake_plugin_open(host, "storage-sqlite",
                                          json_pack("{s:s}", "path", paths[i]), &plugin, &err),
                         0);
        assert_true(fake_plugin_start(plugin, &err) < 0);
        assert_string_not_equal(err.text, "");
        fake_plugin_close(plugin);
        fake_host_free(host);
    }
    put(fixture, "x", "{}");
}

/* ---- when the disk says no ---- */

static int write_small(struct fixture *fixture)
{
    static int number;
    EIN_JSON json_t *doc = json_of("{'v': 'text'}");
    char id[16];
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = id, .doc = doc };

    snprintf(id, sizeof(id), "small%d", number++);
    return batch(fixture, &op, 1, NULL);
}

static void remove_one(struct fixture *fixture, const char *id)
{
    struct ein_doc_op op = { .kind = EIN_DOC_DELETE, .set = "things", .id = id };
    struct ein_error err = { 0 };

    if (batch(fixture, &op, 1, &err) < 0)
        fail_msg("%s is not removed: %s", id, err.text);
}

static void a_full_disk_fails_writes_in_words_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    EIN_FREE char *text = calloc(1, 100001);
    struct ein_error err = { 0 };
    int stored = 0, r = 0;
    char id[16];

    reopen(fixture, json_pack("{s:i}", "max_mib", 1));
    memset(text, 'x', 100000);
    EIN_JSON json_t *doc = json_pack("{s:s}", "v", text);
    while (stored < 100) {
        snprintf(id, sizeof(id), "d%d", stored);
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = id, .doc = doc };
        r = batch(fixture, &op, 1, &err);
        if (r < 0)
            break;
        stored++;
    }
    assert_int_equal(r, EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "cannot grow"));
    assert_in_range(stored, 5, 10);
    assert_int_equal(tally(fixture, "things", NULL), stored);
    assert_int_equal(write_small(fixture), EIN_E_UNAVAILABLE);

    remove_one(fixture, "d0");
    remove_one(fixture, "d1");
    assert_int_equal(write_small(fixture), 0);
    assert_string_equal(fake_host_unready(fixture->host), "");
}

enum { DISK = 40 << 20, RESERVE = 16 << 20, PIECE = 100000 };

/* How many pieces fit, beginning with number AT. */
static int fill(struct fixture *fixture, int at)
{
    EIN_FREE char *text = calloc(1, PIECE + 1);
    int stored = 0, r = 0;
    char id[16];

    memset(text, 'x', PIECE);
    EIN_JSON json_t *doc = json_pack("{s:s}", "v", text);
    for (; r == 0 && stored < 1000; stored += r == 0) {
        snprintf(id, sizeof(id), "d%d", at + stored);
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = id, .doc = doc };
        r = batch(fixture, &op, 1, NULL);
    }
    assert_int_equal(r, EIN_E_UNAVAILABLE);
    return stored;
}

static void expect_only_what_frees_space(struct fixture *fixture, const char *first,
                                         const char *second)
{
    EIN_JSON json_t *small = json_of("{}");
    EIN_JSON json_t *large = json_pack("{s:o}", "v", json_sprintf("%070000d", 1));
    struct ein_error err = { 0 };
    struct ein_doc_op change = { .kind = EIN_DOC_UPDATE,
                                 .set = "things",
                                 .id = "account",
                                 .add_field = "n",
                                 .add_by = 1,
                                 .add_min = INT64_MIN };
    struct ein_doc_op grow = {
        .kind = EIN_DOC_PUT, .set = "things", .id = "account", .doc = large
    };
    struct ein_doc_op swap[] = {
        { .kind = EIN_DOC_PUT, .set = "things", .id = first, .expect = "", .doc = small },
        { .kind = EIN_DOC_DELETE, .set = "things", .id = second },
    };

    assert_int_equal(write_small(fixture), EIN_E_UNAVAILABLE);
    assert_int_equal(batch(fixture, &grow, 1, &err), EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "only what frees space is written"));
    assert_int_equal(batch(fixture, &change, 1, NULL), 0);
    assert_int_equal(batch(fixture, swap, 2, NULL), 0);
    remove_one(fixture, first);
    assert_string_equal(fake_host_unready(fixture->host), "");
}

static void wait_for_reserve(struct fixture *fixture)
{
    struct stat about = { 0 };
    char path[160];

    path_of(fixture, "store.db.reserve", path);
    for (int i = 0; i < 2000 && about.st_size != RESERVE; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
        assert_int_equal(stat(path, &about), 0);
    }
    assert_int_equal(about.st_size, RESERVE);
}

static void what_frees_space_is_written_on_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    char folder[80], id[16];

    snprintf(folder, sizeof(folder), "%s/made", fixture->folder);
    small_disk(folder, DISK);
    reopen(fixture, NULL);
    put(fixture, "account", "{'n': 0}");
    int stored = fill(fixture, 0);
    assert_in_range(stored, 50, DISK / PIECE);
    expect_only_what_frees_space(fixture, "new", "d0");
    assert_true(fake_host_logged(fixture->host, "nothing is written but what frees space"));

    small_disk(folder, small_disk_used()); /* others take what there is */
    expect_only_what_frees_space(fixture, "newer", "d1");
    reopen(fixture, NULL);
    expect_members(fixture, "things", "account", "{'n': 2}");
    for (int i = 2; i < stored; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        remove_one(fixture, id);
    }
    assert_int_equal(write_small(fixture), 0); /* there is room in the file */
    assert_in_range(fill(fixture, 1000), 20, stored);
    expect_only_what_frees_space(fixture, "newest", "d1000");

    small_disk(folder, 3 * DISK); /* others have gone */
    wait_for_reserve(fixture);
    assert_int_equal(write_small(fixture), 0);
}

static void no_reserve_leaves_none_behind(void **state)
{
    struct fixture *fixture = *state;
    char path[160];

    path_of(fixture, "store.db.reserve", path);
    reopen(fixture, json_pack("{s:i}", "reserve_mib", 1));
    assert_int_equal(access(path, F_OK), 0);
    reopen(fixture, json_pack("{s:i}", "reserve_mib", 0));
    assert_int_equal(access(path, F_OK), -1);
}

static int teardown_disk(void **state)
{
    small_disk(NULL, 0);
    return teardown(state);
}

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_disk_that_fails_makes_the_store_unready_until_it_recovers(void **state)
{
    struct fixture *fixture = *state;
    EIN_JSON json_t *doc = json_of("{'v': 2}");
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x", .doc = doc };
    struct ein_doc_op first = { .kind = EIN_DOC_PUT, .set = "never", .id = "x", .doc = doc };
    struct ein_error err = { 0 };

    put(fixture, "x", "{'v': 1}");
    signal(SIGXFSZ, SIG_IGN);
    limit_files_to(4096);
    int r = batch(fixture, &op, 1, &err), r_first = batch(fixture, &first, 1, NULL);
    EIN_FREE char *unready = strdup(fake_host_unready(fixture->host));
    limit_files_to(RLIM_INFINITY);

    assert_int_equal(r, EIN_E_UNAVAILABLE);
    assert_int_equal(r_first, EIN_E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "The store cannot be"));
    assert_null(strstr(err.text, "store.db")); /* clients learn no paths; the log does */
    assert_true(fake_host_logged(fixture->host, "store.db: The store cannot be"));
    assert_string_equal(unready, err.text);
    expect_members(fixture, "things", "x", "{'v': 1}");
    expect_missing(fixture, "never", "x");
    for (int i = 0; i < 2000 && !fake_host_logged(fixture->host, "is written again"); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    assert_string_equal(fake_host_unready(fixture->host), ""); /* though nobody has written */
    assert_int_equal(batch(fixture, &op, 1, &err), 0);
    assert_int_equal(batch(fixture, &first, 1, &err), 0);
    assert_string_equal(fake_host_unready(fixture->host), "");
    assert_true(fake_host_logged(fixture->host, "store.db: is written again"));
    expect_members(fixture, "things", "x", "{'v': 2}");
    expect_members(fixture, "never", "x", "{'v': 2}");
}

static void expect_no_write(struct fixture *fixture, const char *ending, const char *text_part)
{
    EIN_JSON json_t *doc = json_of("{'v': 2}");
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x", .doc = doc };
    struct ein_error err = { 0 };
    char name[32], path[160], away[160];

    put(fixture, "x", "{'v': 1}");
    snprintf(name, sizeof(name), "store.db%s", ending);
    path_of(fixture, name, path);
    path_of(fixture, "away", away);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(batch(fixture, &op, 1, &err), EIN_E_UNAVAILABLE);
    if (!strstr(err.text, text_part) || strstr(err.text, fixture->folder))
        fail_msg("'%s' does not say '%s'", err.text, text_part);
    assert_int_equal(rename(away, path), 0);
    for (int i = 0; i < 2000 && batch(fixture, &op, 1, NULL) < 0; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    expect_members(fixture, "things", "x", "{'v': 2}");
    assert_string_equal(fake_host_unready(fixture->host), "");
}

static void nothing_is_written_where_nobody_will_find_it(void **state)
{
    expect_no_write(*state, "", "moved or replaced");
    expect_no_write(*state, "-wal", "WAL");
}

static void damage_is_told_to_who_can_mend_it(void **state)
{
    struct fixture *fixture = *state;
    EIN_FREE char *text = calloc(1, 10001), *noise = calloc(1, 40000);
    struct ein_error err = { 0 };
    json_t *doc = NULL;
    char path[160];

    memset(text, 'x', 10000);
    memset(noise, 0xee, 40000);
    put(fixture, "x", "{}");
    for (int i = 0; i < 20; i++) {
        EIN_JSON json_t *large = json_pack("{s:s}", "v", text);
        char id[8];
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = id, .doc = large };
        snprintf(id, sizeof(id), "d%d", i);
        assert_int_equal(batch(fixture, &op, 1, NULL), 0);
    }
    fixture_close(fixture);
    path_of(fixture, "store.db", path);
    for (off_t at = 10 * 4096; at < 50 * 4096; at += 40000)
        write_bytes(path, at, noise, 40000);
    fixture_open(fixture, NULL); /* it was closed in order, and is not checked */
    int r = 0;
    for (int i = 0; i < 20 && r == 0; i++) {
        char id[8];
        snprintf(id, sizeof(id), "d%d", i);
        r = fixture->backend->get(fixture->impl, "things", id, &doc, &err);
        json_decref(doc);
        doc = NULL;
    }
    assert_int_equal(r, EIN_E_INTERNAL);
    assert_non_null(strstr(err.text, "The store is damaged"));
    assert_string_equal(fake_host_unready(fixture->host), "The store is damaged");
    assert_true(
        fake_host_logged(fixture->host, "store.db is damaged: stop the server and restore"));
}

static void *write_until_busy(void *data)
{
    struct fixture *fixture = data;
    struct ein_doc_op op = {
        .kind = EIN_DOC_UPDATE, .set = "things", .id = "x", .add_field = "n", .add_by = 1
    };
    struct ein_error err = { 0 };
    intptr_t done = 0;

    for (int r = 0; r != EIN_E_BUSY && done < 1000; done += r == 0)
        r = batch(fixture, &op, 1, &err);
    return (void *)(strstr(err.text, "are waiting already") ? done : -1);
}

static void a_full_queue_refuses_and_forgets_nothing(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[THREADS];
    json_int_t sum = 0;

    reopen(fixture, json_pack("{s:i}", "queue", 1));
    put(fixture, "x", "{'n': 0}");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_until_busy, fixture), 0);
    bool was_busy = false;
    for (int i = 0; i < THREADS; i++) {
        void *done;
        pthread_join(threads[i], &done);
        was_busy = was_busy || (intptr_t)done >= 0;
        sum += (intptr_t)done >= 0 ? (intptr_t)done : 1000;
    }
    assert_true(was_busy);
    EIN_JSON json_t *doc = get(fixture, "things", "x");
    assert_int_equal(json_integer_value(json_object_get(doc, "n")), sum);
}

static void the_log_does_not_grow_for_ever(void **state)
{
    struct fixture *fixture = *state;
    char text[8000], path[160];
    struct stat info;

    memset(text, 'x', sizeof(text));
    EIN_JSON json_t *doc = json_pack("{s:s%}", "v", text, sizeof(text));
    for (int i = 0; i < 1500; i++) {
        struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x", .doc = doc };
        assert_int_equal(batch(fixture, &op, 1, NULL), 0);
    }
    path_of(fixture, "store.db-wal", path);
    assert_int_equal(stat(path, &info), 0);
    assert_in_range(info.st_size, 1, 8 << 20); /* 1500 writes are more than 20 MiB */
}

/* ---- backup ---- */

struct busy {
    struct fixture *fixture;
    pthread_t thread;
    bool stop; /* guarded by lock */
    pthread_mutex_t lock;
};

static bool is_stopped(struct busy *busy)
{
    EIN_LOCKED(&busy->lock);
    return busy->stop;
}

/* Pairs that only ever change together. */
static void *write_pairs(void *data)
{
    struct busy *busy = data;
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_UPDATE, .set = "things", .id = "left", .add_field = "n", .add_by = 1 },
        { .kind = EIN_DOC_UPDATE, .set = "things", .id = "right", .add_field = "n", .add_by = 1 },
    };

    while (!is_stopped(busy))
        batch(busy->fixture, ops, 2, NULL);
    return NULL;
}

static void a_backup_is_one_state_of_all_while_others_write(void **state)
{
    struct fixture *fixture = *state;
    struct busy busy = { .fixture = fixture, .lock = PTHREAD_MUTEX_INITIALIZER };
    struct ein_error err = { 0 };
    char path[160], id[32];
    struct stat info;

    put(fixture, "left", "{'n': 0}");
    put(fixture, "right", "{'n': 0}");
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "filler%d", i);
        put(fixture, id, "{'v': 'text that makes the file a little larger'}");
    }
    assert_int_equal(pthread_create(&busy.thread, NULL, write_pairs, &busy), 0);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof(id), "backup%d.db", i);
        path_of(fixture, id, path);
        if (fixture->backend->backup(fixture->impl, path, &err) < 0)
            fail_msg("backup: %s", err.text);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        expect_sql(path, "PRAGMA integrity_check", "ok");
        expect_sql(path, "SELECT count(*) FROM set_things", "302");
        expect_sql(
            path, "SELECT count(DISTINCT body) FROM set_things WHERE id IN ('left', 'right')", "1");
    }
    pthread_mutex_lock(&busy.lock);
    busy.stop = true;
    pthread_mutex_unlock(&busy.lock);
    pthread_join(busy.thread, NULL);

    assert_int_equal(fixture->backend->backup(fixture->impl, path, &err), EIN_E_CONFLICT);
    assert_non_null(strstr(err.text, "exists already"));
    assert_true(fixture->backend->backup(fixture->impl, "/nowhere/x", &err) < 0);
    assert_true(fixture->backend->backup(fixture->impl, "", &err) < 0);

    char store_path[160];
    put(fixture, "later", "{}");
    fixture_close(fixture);
    path_of(fixture, "store.db", store_path);
    assert_int_equal(rename(path, store_path), 0);
    fixture_open(fixture, NULL);
    assert_int_equal(tally(fixture, "things", NULL), 302);
    expect_missing(fixture, "things", "later");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_cache_keeps_to_its_memory),
        TEST(writes_that_wait_share_a_commit),
        TEST(documents_and_indexes_outlive_a_restart),
        TEST(an_index_is_what_finds_use),
        TEST(a_page_far_behind_costs_what_the_first_one_does),
        TEST(a_range_costs_nothing_of_what_lies_beside_it),
        TEST(an_index_of_two_fields_finds_what_fits_both),
        TEST(the_texts_of_others_are_not_read),
        TEST(the_file_belongs_to_us_alone),
        TEST(a_second_server_on_the_same_file_is_refused),
        TEST(a_newer_file_is_refused),
        TEST(another_program_s_file_is_refused_and_left_alone),
        TEST(a_damaged_file_is_refused),
        TEST(a_file_not_closed_in_order_is_checked),
        TEST(a_check_that_takes_too_long_does_not_keep_the_server_away),
        TEST(a_path_that_is_no_file_is_refused),
        TEST(a_full_disk_fails_writes_in_words_and_nothing_else),
        TEST(no_reserve_leaves_none_behind),
        cmocka_unit_test_setup_teardown(what_frees_space_is_written_on_a_full_disk, setup,
                                        teardown_disk),
        TEST(a_disk_that_fails_makes_the_store_unready_until_it_recovers),
        TEST(nothing_is_written_where_nobody_will_find_it),
        TEST(damage_is_told_to_who_can_mend_it),
        TEST(a_full_queue_refuses_and_forgets_nothing),
        TEST(the_log_does_not_grow_for_ever),
        TEST(a_backup_is_one_state_of_all_while_others_write),
    };

    storage_backend_name = "storage-sqlite";
    return cmocka_run_group_tests_name("the file of storage-sqlite", tests, NULL, NULL);
}
