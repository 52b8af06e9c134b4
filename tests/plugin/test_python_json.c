/* SPDX-License-Identifier: Apache-2.0 */
/* What python_json() writes is compared with what Python itself writes. */
#include "cleanup.h"
#include "python_json.h"
#include "unit.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { RANDOM_DOUBLES = 20000 };

#define PYTHON                                                                                     \
    "/usr/bin/python3 -c 'import json,sys\n"                                                       \
    "for line in open(sys.argv[1]): print(json.dumps(json.loads(line)))' "

struct inputs {
    char path[32];
    FILE *file;
};

static void inputs_open(struct inputs *inputs)
{
    strcpy(inputs->path, "/tmp/python-json-XXXXXX");
    inputs->file = fdopen(mkstemp(inputs->path), "w+");
    assert_non_null(inputs->file);
}

/* Every line of the inputs, written by us and by Python. */
static void compare_with_python(struct inputs *inputs)
{
    char command[256];
    EIN_FREE char *line = NULL, *theirs = NULL;
    size_t line_size = 0, theirs_size = 0, compared = 0;

    fflush(inputs->file);
    rewind(inputs->file);
    snprintf(command, sizeof(command), PYTHON "%s", inputs->path);
    FILE *python = popen(command, "r");
    assert_non_null(python);

    while (getline(&line, &line_size, inputs->file) > 0) {
        char ours[1024];
        EIN_JSON json_t *value = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        assert_true(getline(&theirs, &theirs_size, python) > 0);
        theirs[strcspn(theirs, "\n")] = '\0';
        assert_int_equal(python_json(value, ours, sizeof(ours)), strlen(theirs));
        assert_string_equal(ours, theirs);
        compared++;
    }
    assert_true(compared > 0);
    assert_int_equal(pclose(python), 0);
    fclose(inputs->file);
    remove(inputs->path);
}

static void values_are_written_as_python_does(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "[]",
        "{}",
        "[1, [2, {\"a\": [], \"b\": {}}], \"x\"]",
        "{\"z\": 1, \"a\": {\"y\": null, \"b\": false}}",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\u001f \\u007f ~\"",
        "\"\xc3\xa9 \xe2\x82\xac \xef\xbf\xbf \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"",
        "{\"\xf0\x9f\x98\x80\": \"k\"}",
    };
    struct inputs inputs;

    inputs_open(&inputs);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        fprintf(inputs.file, "%s\n", texts[i]);
    compare_with_python(&inputs);
}

static void floats_are_written_as_repr_does(void **state)
{
    static const char *const texts[] = {
        "0.0",
        "-0.0",
        "1.0",
        "0.1",
        "1e15",
        "1e16",
        "9999999999999998.0",
        "1e17",
        "1e22",
        "1.5e300",
        "0.0001",
        "1e-05",
        "12e-05",
        "5e-324",
        "1.7976931348623157e308",
        "2.5",
        "123456789012345680.0",
        "-1234.5e-7",
    };
    struct inputs inputs;

    inputs_open(&inputs);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        fprintf(inputs.file, "%s\n", texts[i]);
    compare_with_python(&inputs);
}

static void every_power_of_two_is_written_as_repr_does(void **state)
{
    struct inputs inputs;

    inputs_open(&inputs);
    for (int exponent = -1074; exponent < 1024; exponent++)
        fprintf(inputs.file, "%.17e\n", ldexp(1, exponent));
    compare_with_python(&inputs);
}

static void any_double_is_written_as_repr_does(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15u;
    struct inputs inputs;

    inputs_open(&inputs);
    for (int i = 0; i < RANDOM_DOUBLES; i++) {
        double value;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &seed, sizeof(value));
        if (isfinite(value))
            fprintf(inputs.file, "%.17e\n", value);
        fprintf(inputs.file, "%.17e\n", (double)(seed >> 40) / 1000);
    }
    compare_with_python(&inputs);
}

static void a_text_that_is_too_long_is_cut_and_its_length_told(void **state)
{
    EIN_JSON json_t *value = json_pack("[i, i, s]", 1, 2, "abc");
    char text[6];

    assert_int_equal(python_json(value, NULL, 0), strlen("[1, 2, \"abc\"]"));
    assert_int_equal(python_json(value, text, sizeof(text)), strlen("[1, 2, \"abc\"]"));
    assert_string_equal(text, "[1, 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_python_does),
        cmocka_unit_test(floats_are_written_as_repr_does),
        cmocka_unit_test(every_power_of_two_is_written_as_repr_does),
        cmocka_unit_test(any_double_is_written_as_repr_does),
        cmocka_unit_test(a_text_that_is_too_long_is_cut_and_its_length_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
