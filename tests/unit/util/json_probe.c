/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* For json_against_python.py: reads texts, each after its length, and writes a line for each: the
 * text that comes out again, or the fault. */
int main(void)
{
    uint64_t len;

    while (fread(&len, sizeof(len), 1, stdin) == 1) {
        struct json_fault fault = { 0 };
        char *text = malloc(len + 1), *dump = NULL;
        json_t *json = NULL;

        if (!text || fread(text, 1, len, stdin) != len)
            return 1;
        json = json_text_parse(text, len, 64, &fault);
        if (json && (dump = json_text_dump(json, NULL)))
            printf("ok %s\n", dump);
        else
            printf("%zu %s\n", fault.offset, fault.text);
        free(dump);
        free(text);
        json_decref(json);
    }
    return 0;
}
