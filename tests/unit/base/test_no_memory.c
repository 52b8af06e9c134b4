/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include "buf.h"
#include "cancel.h"
#include "config.h"
#include "json_text.h"
#include "log.h"
#include "redact.h"
#include "schema.h"
#include "unit.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Every operation is run with its first allocation failing, then its second, and so on until it
 * is left alone: it fails cleanly each time, and succeeds in the end. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static long left = -1; /* allocations until one fails; negative: none does */
static bool failed;

static bool fails(void)
{
    if (left < 0)
        return false;
    if (left-- > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* True: it worked.  In any case nothing is left behind; the sanitizers look after that. */
typedef bool operation(void);

static void torture(operation *run)
{
    bool worked = false;

    json_set_alloc_funcs(__wrap_malloc, free);
    for (long n = 0; !worked; n++) {
        assert_true(n < 100000);
        failed = false;
        left = n;
        worked = run();
        left = -1;
        if (!failed)
            assert_true(worked);
        worked = worked && !failed;
    }
    json_set_alloc_funcs(malloc, free);
}

static bool use_buf(void)
{
    struct buf buf;
    char *text;

    buf_init(&buf, 100000);
    for (int i = 0; i < 200; i++)
        (void)buf_printf(&buf, "%d %0300d", i, i);
    text = buf_take(&buf, NULL);
    free(text);
    return text != NULL;
}

static bool use_arena(void)
{
    struct arena arena;
    bool ok = true;

    arena_init(&arena, NULL, 0, 1000000);
    for (size_t size = 1; size < 10000; size *= 2)
        ok = arena_alloc(&arena, size) && ok;
    arena_done(&arena);
    return ok;
}

static bool use_cancel(void)
{
    struct ein_cancel root, *child;
    bool ok;

    cancel_init(&root, NULL);
    child = cancel_new(&root);
    ok = child != NULL;
    cancel_free(child);
    cancel_done(&root);
    return ok;
}

static bool use_json(void)
{
    static const char text[] =
        "{\"a\\n\":[1,2.5,\"x\\ty\",{\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\":null}],\"c\":{\"d\":[]}}";
    struct json_fault fault;
    json_t *json = json_text_parse(text, strlen(text), 100, &fault);
    char *dump = json ? json_text_dump(json, NULL) : NULL;

    if (!json)
        assert_string_equal(fault.text, "Out of memory");
    json_decref(json);
    free(dump);
    return dump != NULL;
}

static bool use_redact(void)
{
    static const char text[] = "password=hunter2 and sk-abcdEFGH12345678ijkl";
    char *clean = redact(text, strlen(text), NULL);

    assert_true(!clean || !strstr(clean, "hunter2"));
    free(clean);
    return clean;
}

static bool use_schema(void)
{
    static const char text[] =
        "{\"type\":\"object\",\"required\":[\"aB\"],\"properties\":{\"aB\":{\"type\":\"string\","
        "\"pattern\":\"^x\"},\"c\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
        "\"default\":"
        "[1]},\"d\":{\"enum\":[\"x\",\"y\"]},\"e\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":"
        "\"integer\"}]}}}";
    json_t *good = json_pack("{s:s, s:i}", "a_b", "x", "e", 1);
    json_t *bad = json_pack("{s:[i,s], s:s}", "c", 1, "z", "d", "q");
    json_t *value = NULL, *faults = NULL;
    struct schema *schema = NULL;
    struct ein_error err;
    int taken = -1, refused = -1;

    if (good && bad && schema_compile(text, &schema, &err) == 0) {
        taken = schema_check(schema, SCHEMA_REQUEST, "body", good, &value, &faults);
        assert_true(taken == 0 || taken == EIN_E_NO_MEMORY);
        refused = schema_check(schema, SCHEMA_REQUEST, "body", bad, &value, &faults);
        assert_true(refused == EIN_E_INVALID || refused == EIN_E_NO_MEMORY);
    }
    schema_free(schema);
    json_decref(faults);
    json_decref(value);
    json_decref(good);
    json_decref(bad);
    return taken == 0 && refused == EIN_E_INVALID;
}

static bool use_config(void)
{
    static const char *const sets[] = { "limits.workers=2", "auth={providers: [{type: dev_stub}]}",
                                        NULL };
    struct config *config = NULL;
    char *faults = NULL;
    int r = config_load("/dev/null", sets, &config, &faults);

    config_free(config);
    free(faults);
    return r == 0;
}

static void buffers(void **state)
{
    torture(use_buf);
}

static void arenas(void **state)
{
    torture(use_arena);
}

static void tokens(void **state)
{
    torture(use_cancel);
}

static void json(void **state)
{
    torture(use_json);
}

static void secrets(void **state)
{
    torture(use_redact);
}

static void schemas(void **state)
{
    torture(use_schema);
}

static void configurations(void **state)
{
    torture(use_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers),        cmocka_unit_test(arenas),  cmocka_unit_test(tokens),
        cmocka_unit_test(json),           cmocka_unit_test(secrets), cmocka_unit_test(schemas),
        cmocka_unit_test(configurations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
