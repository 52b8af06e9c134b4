/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "str.h"
#include <stdarg.h>

int error_set(struct ein_error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;

    err->code = code;
    va_start(args, fmt);
    str_vformat(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return code;
}

int error_no_memory(struct ein_error *err)
{
    return error_set(err, EIN_E_NO_MEMORY, "The server is out of memory at the moment.");
}

void error_clear(struct ein_error *err)
{
    if (err)
        *err = (struct ein_error){ 0 };
}

int error_due(struct ein_error *err, int result)
{
    if (result >= 0 || !err)
        return result;
    err->text[sizeof(err->text) - 1] = '\0';
    str_clean(err->text);
    if (!err->text[0])
        (void)error_set(err, result, "it failed with code %d and gave no reason", result);
    return result;
}
