/* SPDX-License-Identifier: Apache-2.0 */
/* What a model answers that was asked for a demo. */
#include "answer.h"
#include "cleanup.h"

#include <einion/plugin.h>
#include <stdint.h>
#include <string.h>

enum { MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly three texts, no longer than they may be. */
static void check(const json_t *code)
{
    static const char *const names[] = { "html", "css", "js" };
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        const json_t *text = json_object_get(code, names[i]);

        if (!json_is_string(text))
            abort();
        len += json_string_length(text);
    }
    if (json_object_size(code) != 3 || len > MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char fault[ANSWER_FAULT_SIZE] = "";
    EIN_JSON json_t *code = NULL;
    int r = answer_parse((const char *)data, size, MAX, &code, fault);

    if (r == 0)
        check(code);
    else if (r != EIN_E_INVALID || !*fault)
        abort();
    for (const char *c = fault; *c; c++) /* it goes into JSON */
        if (*c < ' ' || *c > '~')
            abort();
    return 0;
}
