/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_scalar.h"
#include "str.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct word {
    const char *text;
    enum { WORD_NULL, WORD_TRUE, WORD_FALSE } is;
} words[] = {
    { "", WORD_NULL },       { "~", WORD_NULL },      { "null", WORD_NULL },
    { "Null", WORD_NULL },   { "NULL", WORD_NULL },   { "true", WORD_TRUE },
    { "True", WORD_TRUE },   { "TRUE", WORD_TRUE },   { "false", WORD_FALSE },
    { "False", WORD_FALSE }, { "FALSE", WORD_FALSE },
};

static json_t *word_value(const char *text)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].text) == 0)
            return words[i].is == WORD_NULL ? json_null() : json_boolean(words[i].is == WORD_TRUE);
    }
    return NULL;
}

static json_t *integer_value(const char *text, int base)
{
    json_int_t value;

    errno = 0;
    value = strtoll(text, NULL, base);
    return errno == 0 ? json_integer(value) : json_real(strtod(text, NULL));
}

static bool is_float(const char *text)
{
    size_t whole, part = 0;

    text += *text == '-' || *text == '+';
    whole = strspn(text, "0123456789");
    text += whole;
    if (*text == '.') {
        part = strspn(++text, "0123456789");
        text += part;
    }
    if (whole + part == 0)
        return false;
    if (*text != 'e' && *text != 'E')
        return *text == '\0';
    text += text[1] == '-' || text[1] == '+' ? 2 : 1;
    return str_only(text, "0123456789");
}

static json_t *number_value(const char *text)
{
    if (str_only(text + (*text == '-' || *text == '+'), "0123456789"))
        return integer_value(text, 10);
    if (strncmp(text, "0x", 2) == 0 && str_only(text + 2, "0123456789abcdefABCDEF"))
        return integer_value(text + 2, 16);
    if (strncmp(text, "0o", 2) == 0 && str_only(text + 2, "01234567"))
        return integer_value(text + 2, 8);
    return is_float(text) && isfinite(strtod(text, NULL)) ? json_real(strtod(text, NULL)) : NULL;
}

json_t *yaml_scalar(const char *text)
{
    json_t *value = word_value(text);

    if (!value)
        value = number_value(text);
    return value ? value : json_string(text);
}
