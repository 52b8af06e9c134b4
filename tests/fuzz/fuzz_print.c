/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends harms no terminal, and JSON on several lines is the same JSON. */
#include "json_text.h"
#include "print.h"
#include "str.h"
#include "trace.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_harmless(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t')
            abort();
    if (!str_is_utf8(text, len) || memchr(text, 0x7f, len))
        abort();
}

static void expect_same(const json_t *json)
{
    struct json_fault fault;
    char *pretty = print_pretty(json);
    json_t *again = pretty ? json_text_parse(pretty, strlen(pretty), DEPTH_MAX, &fault) : NULL;

    if (!json_equal(json, again))
        abort();
    json_decref(again);
    free(pretty);
}

static void expect_shown(json_t *json)
{
    static const struct print_column columns[] = { { "A", "a" }, { "B", "b.c" }, { 0 } };
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    trace_print(file, json);
    print_json(file, json);
    print_json_pretty(file, json);
    print_list(file, false, json, columns);
    (void)fclose(file);
    expect_harmless(text, len);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *clean = print_clean(text, 1);
    struct json_fault fault;
    json_t *json = json_text_parse(text, strlen(text), DEPTH_MAX, &fault);

    expect_harmless(clean, strlen(clean));
    if (json) {
        expect_same(json);
        expect_shown(json);
    }
    json_decref(json);
    free(clean);
    free(text);
    return 0;
}
