/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include <stdarg.h>

int report_add(json_t *report, const char *fmt, ...)
{
    va_list args;
    json_t *line;

    va_start(args, fmt);
    line = json_vsprintf(fmt, args);
    va_end(args);
    return json_array_append_new(report, line) < 0 ? EIN_E_NO_MEMORY : 0;
}
