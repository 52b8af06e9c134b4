/* SPDX-License-Identifier: Apache-2.0 */
#include "strict.h"
#include <string.h>
#include <ulfius.h>

/* libmicrohttpd ends the texts that it finds where they lie: between two of them is nothing but
 * the NULs in place of what divided them. */
enum { LINE_END = sizeof("\r\n") - 1, VERSION = sizeof("HTTP/1.1") - 1 };

bool strict_is_due(void)
{
    return MHD_get_version()[0] == '0';
}

struct walk {
    const char *at; /* where the next line begins; NULL: it went wrong */
};

static enum MHD_Result on_header(void *data, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct walk *walk = data;
    const char *at = name + name_len + 1;

    (void)kind;
    if (name == walk->at && value >= at && at + strspn(at, " \t") == value)
        walk->at = value + value_len + LINE_END;
    else
        walk->at = NULL;
    return walk->at ? MHD_YES : MHD_NO;
}

const char *strict_head_fault(struct MHD_Connection *connection, const struct strict_line *line)
{
    struct walk walk = { line->target + line->target_len + 1 + VERSION + LINE_END };
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (line->method + strlen(line->method) + 1 != line->target)
        return "The request line is not a method, one space, a URL, one space and a version.";
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, &walk);
    if (!size || !walk.at || walk.at + LINE_END != line->method + size->header_size)
        return "The lines of the head do not all end with CR LF, or one is folded, or has a NUL.";
    return NULL;
}
