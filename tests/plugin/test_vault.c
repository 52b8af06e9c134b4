/* SPDX-License-Identifier: Apache-2.0 */
/* vault/1: what is sealed, what opens it, and what happens to who tampers with either. */
#include "cleanup.h"
#include "two_servers.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET "sk-a-secret-that-nobody-may-see"

enum { SECRETS = 60, WRITERS = 8, KEY_FILE_MAX = 4096 };

static const struct ein_vault *vault_of(struct two_servers *servers, int number, void **ret_impl)
{
    const struct ein_service *service = fake_host_service(servers->host[number], EIN_VAULT);

    *ret_impl = service->impl;
    return service->vtable;
}

static int put(struct two_servers *servers, int number, const char *name, const char *secret)
{
    void *impl;
    const struct ein_vault *vault = vault_of(servers, number, &impl);

    return vault->put(impl, name, secret, NULL);
}

/* 0 if it is SECRET; 1 if it is another one. */
static int expect(struct two_servers *servers, int number, const char *name, const char *secret)
{
    void *impl;
    const struct ein_vault *vault = vault_of(servers, number, &impl);
    char *found = NULL;
    int r = vault->get(impl, name, &found, NULL);

    if (r == 0)
        r = strcmp(found, secret) != 0;
    vault->wipe(impl, found);
    return r;
}

static int rotate(struct two_servers *servers, int number, uint64_t *ret_count)
{
    void *impl;
    const struct ein_vault *vault = vault_of(servers, number, &impl);

    return vault->rotate(impl, ret_count, NULL);
}

static int setup(void **state)
{
    *state = two_servers_new("storage-sqlite");
    return 0;
}

static int teardown(void **state)
{
    two_servers_free(*state);
    return 0;
}

/* ---- files ---- */

static void read_file(const char *path, char text[KEY_FILE_MAX])
{
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    text[fread(text, 1, KEY_FILE_MAX - 1, file)] = '\0';
    fclose(file);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static size_t keys_in(const struct two_servers *servers)
{
    char text[KEY_FILE_MAX];
    size_t count = 0;

    read_file(servers->key_file, text);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        count++;
    return count;
}

/* Why a vault does not start; both are closed. */
static void expect_refused(struct two_servers *servers, const char *part)
{
    struct fake_plugin *plugin = NULL;
    struct ein_error err = { 0 };

    for (int i = 0; i < SERVERS; i++)
        two_servers_close_vault(servers, i);
    int r = fake_plugin_open(servers->host[0], "vault",
                             json_pack("{s:s}", "key_file", servers->key_file), &plugin, &err);
    if (r == 0)
        r = fake_plugin_start(plugin, &err);
    fake_plugin_close(plugin);
    if (r >= 0 || !strstr(err.text, part))
        fail_msg("expected '%s', found %d '%s'", part, r, err.text);
}

/* ---- secrets ---- */

static void a_secret_comes_back_and_goes(void **state)
{
    struct two_servers *servers = *state;
    void *impl;
    const struct ein_vault *vault = vault_of(servers, 1, &impl);

    assert_int_equal(put(servers, 0, "a/b", SECRET), 0);
    assert_int_equal(expect(servers, 1, "a/b", SECRET), 0);
    assert_int_equal(put(servers, 1, "a/b", "another"), 0);
    assert_int_equal(expect(servers, 0, "a/b", "another"), 0);
    assert_int_equal(vault->del(impl, "a/b", NULL), 0);
    assert_int_equal(vault->del(impl, "a/b", NULL), EIN_E_NOT_FOUND);
    assert_int_equal(expect(servers, 0, "a/b", "another"), EIN_E_NOT_FOUND);
}

static void names_and_secrets_have_limits(void **state)
{
    struct two_servers *servers = *state;
    static char name[402], secret[(64 << 10) + 2];

    memset(name, 'n', 401);
    memset(secret, 's', (64 << 10) + 1);
    assert_int_equal(put(servers, 0, "", SECRET), EIN_E_INVALID);
    assert_int_equal(put(servers, 0, name, SECRET), EIN_E_INVALID);
    assert_int_equal(put(servers, 0, "n", ""), EIN_E_INVALID);
    assert_int_equal(put(servers, 0, "n", secret), EIN_E_INVALID);
    name[400] = secret[64 << 10] = '\0';
    assert_int_equal(put(servers, 0, name, secret), 0);
    assert_int_equal(expect(servers, 0, name, secret), 0);
}

static void what_is_stored_shows_nothing(void **state)
{
    struct two_servers *servers = *state;
    char command[256];

    assert_int_equal(put(servers, 0, "a", SECRET), 0);
    assert_int_equal(put(servers, 0, "b", SECRET), 0);
    EIN_JSON json_t *a = store_read(servers, "vault", "a");
    EIN_JSON json_t *b = store_read(servers, "vault", "b");
    assert_false(json_equal(json_object_get(a, "sealed"), json_object_get(b, "sealed")));
    assert_false(json_equal(json_object_get(a, "nonce"), json_object_get(b, "nonce")));
    snprintf(command, sizeof(command), "! grep -raq %.20s %s", SECRET, servers->folder);
    assert_int_equal(system(command), 0);
}

static void a_sealed_secret_is_good_for_its_name_only(void **state)
{
    struct two_servers *servers = *state;

    assert_int_equal(put(servers, 0, "model_key/alice/openai", SECRET), 0);
    EIN_JSON json_t *doc = store_read(servers, "vault", "model_key/alice/openai");
    store_put(servers, "vault", "model_key/bob/openai", doc);
    assert_int_equal(expect(servers, 0, "model_key/bob/openai", SECRET), EIN_E_INVALID);
    assert_int_equal(expect(servers, 0, "model_key/alice/openai", SECRET), 0);
}

static void every_changed_digit_is_noticed(void **state)
{
    struct two_servers *servers = *state;
    static const char *const members[] = { "sealed", "nonce", "keyId" };

    assert_int_equal(put(servers, 0, "n", SECRET), 0);
    EIN_JSON json_t *doc = store_read(servers, "vault", "n");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *text = json_string_value(json_object_get(doc, members[i]));
        for (size_t at = 0; at < strlen(text); at++) {
            EIN_JSON json_t *changed = json_deep_copy(doc);
            char *copy = strdup(text);
            copy[at] = copy[at] == '0' ? '1' : '0';
            json_object_set_new(changed, members[i], json_string(copy));
            free(copy);
            store_put(servers, "vault", "n", changed);
            assert_int_equal(expect(servers, 0, "n", SECRET), EIN_E_INVALID);
        }
    }
}

/* ---- the key file ---- */

static void the_key_file_is_private(void **state)
{
    struct two_servers *servers = *state;
    struct stat seen;

    assert_int_equal(stat(servers->key_file, &seen), 0);
    assert_int_equal(seen.st_mode & 07777, 0600);
    assert_int_equal(chmod(servers->key_file, 0640), 0);
    expect_refused(servers, "may be read or written by others (mode 0640)");
}

static void no_new_key_takes_the_place_of_a_lost_one(void **state)
{
    struct two_servers *servers = *state;

    assert_int_equal(put(servers, 0, "n", SECRET), 0);
    assert_int_equal(unlink(servers->key_file), 0);
    expect_refused(servers, "is missing, and 1 secrets are sealed by its keys");
    assert_int_equal(access(servers->key_file, F_OK), -1);
}

static void a_damaged_key_file_is_refused(void **state)
{
    struct two_servers *servers = *state;
    char text[KEY_FILE_MAX], damaged[KEY_FILE_MAX];

    read_file(servers->key_file, text);
    for (size_t at = 0; at < strlen(text); at++) {
        strcpy(damaged, text);
        damaged[at] = damaged[at] == '0' ? '1' : '0';
        write_file(servers->key_file, damaged);
        expect_refused(servers, "is damaged: key 1");
    }
    write_file(servers->key_file, "");
    expect_refused(servers, "holds no key");
}

static void the_key_file_of_another_database_is_refused(void **state)
{
    struct two_servers *servers = *state;
    struct two_servers *others = two_servers_new("storage-memory");
    char text[KEY_FILE_MAX];

    read_file(others->key_file, text);
    two_servers_free(others);
    assert_int_equal(put(servers, 0, "n", SECRET), 0);
    write_file(servers->key_file, text);
    expect_refused(servers, "not the file that belongs to this database");
}

static void the_environment_may_hold_the_keys(void **state)
{
    struct two_servers *servers = *state;
    char two[160], one[80];

    for (int i = 0; i < SERVERS; i++)
        two_servers_close_vault(servers, i);
    snprintf(one, sizeof(one), "%064d", 1);
    snprintf(two, sizeof(two), "%064d %s", 2, one);
    setenv("EINION_MASTER_KEY", one, 1);
    two_servers_open_vault(servers, 0);
    assert_int_equal(put(servers, 0, "n", SECRET), 0);
    two_servers_close_vault(servers, 0);

    setenv("EINION_MASTER_KEY", two, 1); /* seals everything with the first */
    two_servers_open_vault(servers, 0);
    assert_int_equal(expect(servers, 0, "n", SECRET), 0);
    two_servers_close_vault(servers, 0);
    two[64] = '\0';
    setenv("EINION_MASTER_KEY", two, 1);
    two_servers_open_vault(servers, 0);
    assert_int_equal(expect(servers, 0, "n", SECRET), 0);
    uint64_t count;
    assert_int_equal(rotate(servers, 0, &count), EIN_E_UNSUPPORTED);

    setenv("EINION_MASTER_KEY", "too short", 1);
    expect_refused(servers, "is not of 64 hexadecimal digits");
    unsetenv("EINION_MASTER_KEY");
}

/* ---- rotation ---- */

static void fill(struct two_servers *servers)
{
    char name[32];

    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(put(servers, 0, name, name), 0);
    }
}

static void expect_all(struct two_servers *servers, int number)
{
    char name[32];

    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(expect(servers, number, name, name), 0);
    }
}

static void a_rotation_seals_everything_anew(void **state)
{
    struct two_servers *servers = *state;
    char before[KEY_FILE_MAX], after[KEY_FILE_MAX];
    uint64_t count = 0;

    fill(servers);
    read_file(servers->key_file, before);
    assert_int_equal(rotate(servers, 0, &count), 0);
    read_file(servers->key_file, after);
    assert_int_equal(count, SECRETS);
    assert_int_equal(keys_in(servers), 1);
    assert_string_not_equal(before, after);
    expect_all(servers, 0);
    expect_all(servers, 1); /* it has not been told */
    assert_int_equal(put(servers, 1, "later", SECRET), 0);
    assert_int_equal(expect(servers, 0, "later", SECRET), 0);

    write_file(servers->key_file, before);
    expect_refused(servers, "not the file that belongs to this database");
    write_file(servers->key_file, after);
}

/* As a kill leaves it: two keys in the file, some secrets sealed by each. */
static void an_interrupted_rotation_is_brought_to_its_end(void **state)
{
    struct two_servers *servers = *state;
    char old[KEY_FILE_MAX], new[KEY_FILE_MAX], both[2 * KEY_FILE_MAX];
    uint64_t count;

    read_file(servers->key_file, old);
    fill(servers);
    EIN_JSON json_t *doc = store_read(servers, "vault", "n7");
    assert_int_equal(rotate(servers, 0, &count), 0);
    read_file(servers->key_file, new);
    store_put(servers, "vault", "n7", doc); /* sealed by the old key still */
    snprintf(both, sizeof(both), "%s%s", new, old);
    write_file(servers->key_file, both);

    fake_host_tick(servers->host[1]); /* a server that runs */
    assert_int_equal(keys_in(servers), 1);
    expect_all(servers, 0);

    store_put(servers, "vault", "n7", doc);
    write_file(servers->key_file, both);
    for (int i = 0; i < SERVERS; i++)
        two_servers_close_vault(servers, i);
    two_servers_open_vault(servers, 0); /* one that starts */
    assert_int_equal(keys_in(servers), 1);
    expect_all(servers, 0);
}

static struct {
    struct two_servers *servers;
    const json_t *doc; /* that somebody writes before the old key is dropped; NULL: it is written */
} late;

static int tally_late(struct ein_ctx *ctx, const char *set, const json_t *where,
                      uint64_t *ret_count, struct ein_error *err)
{
    if (late.doc)
        store_put(late.servers, "vault", "n7", late.doc);
    late.doc = NULL;
    return late.servers->host[1]->table.store->tally(ctx, set, where, ret_count, err);
}

static void an_old_key_is_kept_while_something_is_sealed_by_it(void **state)
{
    struct two_servers *servers = *state;
    struct ein_store store = *servers->host[0]->table.store;
    uint64_t count;

    fill(servers);
    EIN_JSON json_t *doc = store_read(servers, "vault", "n7");
    late.servers = servers;
    late.doc = doc;
    store.tally = tally_late;
    servers->host[0]->table.store = &store;
    assert_int_equal(rotate(servers, 0, &count), 0);
    servers->host[0]->table.store = servers->host[1]->table.store;
    assert_null(late.doc);
    assert_int_equal(count, SECRETS + 1);
    assert_int_equal(keys_in(servers), 1);
    expect_all(servers, 0);
}

struct writer {
    struct two_servers *servers;
    int number, failed;
    bool *stop;
    pthread_t thread;
};

static void *write_secrets(void *data)
{
    struct writer *writer = data;
    char name[32], secret[32];

    snprintf(name, sizeof(name), "w%d", writer->number);
    for (int i = 0; !__atomic_load_n(writer->stop, __ATOMIC_RELAXED); i++) {
        snprintf(secret, sizeof(secret), "secret %d", i);
        writer->failed += put(writer->servers, writer->number % SERVERS, name, secret) != 0;
        writer->failed +=
            expect(writer->servers, (writer->number + 1) % SERVERS, name, secret) != 0;
    }
    return NULL;
}

static void nothing_is_lost_by_rotations_under_way(void **state)
{
    struct two_servers *servers = *state;
    struct writer writers[WRITERS];
    bool stop = false;
    uint64_t count;

    fill(servers);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .servers = servers, .number = i, .stop = &stop };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_secrets, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(rotate(servers, i % SERVERS, &count), 0);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failed, 0);
    }
    assert_int_equal(keys_in(servers), 1);
    expect_all(servers, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_comes_back_and_goes),
        TEST(names_and_secrets_have_limits),
        TEST(what_is_stored_shows_nothing),
        TEST(a_sealed_secret_is_good_for_its_name_only),
        TEST(every_changed_digit_is_noticed),
        TEST(the_key_file_is_private),
        TEST(no_new_key_takes_the_place_of_a_lost_one),
        TEST(a_damaged_key_file_is_refused),
        TEST(the_key_file_of_another_database_is_refused),
        TEST(the_environment_may_hold_the_keys),
        TEST(a_rotation_seals_everything_anew),
        TEST(an_interrupted_rotation_is_brought_to_its_end),
        TEST(an_old_key_is_kept_while_something_is_sealed_by_it),
        TEST(nothing_is_lost_by_rotations_under_way),
    };

    return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
