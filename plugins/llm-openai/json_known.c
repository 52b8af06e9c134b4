/* SPDX-License-Identifier: Apache-2.0 */
#include "json_known.h"

#include "cleanup.h"
#include "json_text.h"
#include "str.h"
#include <string.h>

enum { DEPTH_MAX = 40 }; /* nothing that is sent often nests deeper */

struct reader {
    const char *at, *end;
};

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\r' || *reader->at == '\t'))
        reader->at++;
}

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool take_null(struct reader *reader)
{
    if (reader->end - reader->at < 4 || memcmp(reader->at, "null", 4) != 0)
        return false;
    reader->at += 4;
    return true;
}

/* Behind the first quote, where it is ASCII without escapes; NULL: else. */
static const char *take_plain(struct reader *reader, size_t *ret_len)
{
    const char *text = reader->at;

    *ret_len = str_plain_len(text, (size_t)(reader->end - text));
    reader->at += *ret_len;
    return take(reader, '"') ? text : NULL;
}

static const struct json_known *find_known(const struct json_known *known, const char *name,
                                           size_t len)
{
    for (; known->name; known++)
        if (*known->name == *name && strncmp(known->name, name, len) == 0 && !known->name[len])
            return known;
    return NULL;
}

/* With its colon. */
static const char *take_name(struct reader *reader, size_t *ret_len)
{
    const char *name;

    skip_space(reader);
    name = take(reader, '"') ? take_plain(reader, ret_len) : NULL;
    skip_space(reader);
    return name && take(reader, ':') ? name : NULL;
}

static bool pass_scalar(struct reader *reader)
{
    size_t len = 0;

    if (take(reader, '"'))
        return take_plain(reader, &len);
    EIN_JSON json_t *number = json_text_value(&reader->at, reader->end, 0);
    return json_is_number(number);
}

static bool read_object(struct reader *reader, const struct json_known *known,
                        struct json_found *found);

static bool read_inside(struct reader *reader, const struct json_known *known,
                        struct json_found *found)
{
    if (known->list && !take(reader, '['))
        return false;
    skip_space(reader);
    if (known->list && take(reader, ']'))
        return true;
    if (!read_object(reader, known->members, found))
        return false;
    skip_space(reader);
    return !known->list || take(reader, ']');
}

static bool read_value(struct reader *reader, const struct json_known *known,
                       struct json_found *found)
{
    struct json_found *its = &found[known->place];

    if (known->members)
        return read_inside(reader, known, found);
    if (!known->place || its->value)
        return pass_scalar(reader);
    its->at = reader->at;
    its->value = json_text_value(&reader->at, reader->end, DEPTH_MAX);
    its->len = (size_t)(reader->at - its->at);
    return its->value;
}

static bool read_object(struct reader *reader, const struct json_known *known,
                        struct json_found *found)
{
    unsigned seen = 0;

    if (!take(reader, '{'))
        return false;
    skip_space(reader);
    if (take(reader, '}'))
        return true;
    do {
        size_t len = 0;
        const char *name = take_name(reader, &len);
        const struct json_known *member = name ? find_known(known, name, len) : NULL;
        const unsigned bit = member ? 1U << (member - known) : 0;

        skip_space(reader);
        if (!name || seen & bit ||
            !(take_null(reader) || (member && read_value(reader, member, found))))
            return false;
        seen |= bit;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, '}');
}

bool json_known_read(const char *text, size_t len, const struct json_known *known,
                     struct json_found *found)
{
    struct reader reader = { text, text + len };

    skip_space(&reader);
    if (!read_object(&reader, known, found))
        return false;
    skip_space(&reader);
    return reader.at == reader.end;
}
