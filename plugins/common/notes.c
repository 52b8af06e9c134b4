/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

#include "member.h"
#include "str.h"

int notes_vadd(json_t **notes, size_t max, const char *fmt, va_list args)
{
    size_t count = json_array_size(*notes);
    char text[NOTE_SIZE];

    if (count > max)
        return 0;
    if (count < max)
        str_vformat(text, sizeof(text), fmt, args);
    else
        str_copy(text, sizeof(text), "There is more to tell of this request.");
    if (list_has(*notes, text))
        return 0;
    if (!*notes)
        *notes = json_array();
    return json_array_append_new(*notes, json_string(text)) < 0 ? EIN_E_NO_MEMORY : 0;
}

int notes_add(json_t **notes, size_t max, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int r = notes_vadd(notes, max, fmt, args);
    va_end(args);
    return r;
}
