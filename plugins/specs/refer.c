/* SPDX-License-Identifier: Apache-2.0 */
/* $ref: a JSON pointer (RFC 6901) in a URI's fragment, into this document and no other. */
#include "percent.h"
#include "read.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 16, SEGMENT_MAX = 512 };

/* "~1" is '/', "~0" is '~'. */
static void unescape(char *text)
{
    char *out = text;

    for (; *text; text++) {
        if (text[0] == '~' && (text[1] == '0' || text[1] == '1'))
            *out++ = *++text == '0' ? '~' : '/';
        else
            *out++ = *text;
    }
    *out = '\0';
}

static json_t *list_item(const json_t *list, const char *segment)
{
    size_t len = strlen(segment);

    if (len == 0 || len > 9 || segment[strspn(segment, "0123456789")] != '\0')
        return NULL;
    return json_array_get(list, (size_t)strtoul(segment, NULL, 10));
}

static json_t *member(const json_t *value, const char *segment, size_t len)
{
    char text[SEGMENT_MAX];

    if (len >= sizeof(text))
        return NULL;
    memcpy(text, segment, len);
    text[len] = '\0';
    if (strchr(text, '%') && percent_decode(text, len) < 0)
        return NULL;
    unescape(text);
    return json_is_array(value) ? list_item(value, text) : json_object_get(value, text);
}

/* `pointer` is what comes behind '#'. */
static json_t *follow(struct reading *reading, const char *pointer)
{
    json_t *value = reading->root;

    while (value && *pointer) {
        size_t len;

        if (*pointer != '/')
            return NULL; /* an anchor, or nothing that we know */
        len = strcspn(++pointer, "/");
        value = member(value, pointer, len);
        pointer += len;
        steps(reading, 1);
    }
    return value;
}

json_t *refer(struct reading *reading, json_t *value, char why[WHY_SIZE])
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        const json_t *given = json_object_get(value, "$ref");
        const char *ref = text_member(value, "$ref");

        if (!json_is_string(given))
            return value;
        if (*ref != '#') {
            (void)snprintf(why, WHY_SIZE, "$ref '%.*s' leads out of the document",
                           str_cut(ref, 120), ref);
            return NULL;
        }
        value = follow(reading, ref + 1);
        if (!value) {
            (void)snprintf(why, WHY_SIZE, "$ref '%.*s' leads nowhere", str_cut(ref, 120), ref);
            return NULL;
        }
    }
    (void)snprintf(why, WHY_SIZE, "a $ref leads to a $ref, and so on");
    return NULL;
}
