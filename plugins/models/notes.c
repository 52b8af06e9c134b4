/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

#include <stdarg.h>

void notes_add(json_t **notes, const char *fmt, ...)
{
    va_list args;

    if (!*notes)
        *notes = json_array();
    va_start(args, fmt);
    (void)json_array_append_new(*notes, json_vsprintf(fmt, args)); /* lost without memory */
    va_end(args);
}
