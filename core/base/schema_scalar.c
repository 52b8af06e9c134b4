/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_node.h"
#include "str.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a scalar may be taken for.  The rules are those of pydantic's lax mode, which clients of
 * this API rely on: "3" is a number, 1 is true, 2.0 is an integer. */

enum { NUMBER_TEXT_MAX = 64 };

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies a number of Python's without the spaces around and the '_' between digits. */
static bool tidy(const char *text, char out[NUMBER_TEXT_MAX])
{
    static const char spaces[] = " \t\n\r\v\f";
    size_t len, at = 0;

    text += strspn(text, spaces);
    len = strlen(text);
    while (len > 0 && strchr(spaces, text[len - 1]))
        len--;
    if (len == 0 || len >= NUMBER_TEXT_MAX)
        return false;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '_')
            out[at++] = text[i];
        else if (i == 0 || !is_digit(text[i - 1]) || i + 1 == len || !is_digit(text[i + 1]))
            return false;
    }
    out[at] = '\0';
    return true;
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

static bool is_decimal(const char *text)
{
    const char *at = text + (*text == '+' || *text == '-'), *digits = at;
    size_t count;

    at = skip_digits(at);
    count = (size_t)(at - digits);
    if (*at == '.') {
        digits = ++at;
        at = skip_digits(at);
        count += (size_t)(at - digits);
    }
    if (count > 0 && (*at == 'e' || *at == 'E')) {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!is_digit(*at))
            return false;
        at = skip_digits(at);
    }
    return count > 0 && !*at;
}

static bool is_not_finite(const char *text)
{
    text += *text == '+' || *text == '-';
    return str_eq_case(text, "inf") || str_eq_case(text, "infinity") || str_eq_case(text, "nan");
}

/* "12", "+12", "-12", "12.000" */
static enum fault integer_of_text(const char *text, json_t **ret)
{
    char number[NUMBER_TEXT_MAX], *end, *digits = number;
    json_int_t value;

    if (!tidy(text, number))
        return FAULT_INT_PARSING;
    digits += *number == '+' || *number == '-';
    if (!is_digit(*digits))
        return FAULT_INT_PARSING;

    errno = 0;
    value = strtoll(number, &end, 10);
    if (*end == '.' && end[1] && end[1 + strspn(end + 1, "0")] == '\0')
        *end = '\0';
    if (*end)
        return FAULT_INT_PARSING;
    if (errno == ERANGE)
        return FAULT_INT_SIZE;
    *ret = json_integer(value);
    return FAULT_NONE;
}

static enum fault check_integer(bool is_lax, const json_t *value, json_t **ret)
{
    double real;

    if (json_is_integer(value)) {
        *ret = json_incref((json_t *)value);
        return FAULT_NONE;
    }
    if (json_is_string(value) && is_lax)
        return integer_of_text(json_string_value(value), ret);
    if (json_is_boolean(value) && is_lax) {
        *ret = json_integer(json_is_true(value));
        return FAULT_NONE;
    }
    if (!json_is_real(value))
        return FAULT_INT;

    real = json_real_value(value);
    if (real < -0x1p63 || real >= 0x1p63)
        return FAULT_INT_SIZE;
    if (real != (double)(json_int_t)real)
        return FAULT_INT_FLOAT;
    *ret = json_integer((json_int_t)real);
    return FAULT_NONE;
}

static enum fault number_of_text(const char *text, json_t **ret)
{
    char number[NUMBER_TEXT_MAX];
    double value;

    if (integer_of_text(text, ret) == FAULT_NONE)
        return FAULT_NONE;
    if (!tidy(text, number))
        return FAULT_FLOAT_PARSING;
    if (is_not_finite(number))
        return FAULT_FINITE;
    if (!is_decimal(number))
        return FAULT_FLOAT_PARSING;

    value = strtod(number, NULL);
    if (!isfinite(value))
        return FAULT_FINITE;
    *ret = json_real(value);
    return FAULT_NONE;
}

static enum fault check_number(bool is_lax, const json_t *value, json_t **ret)
{
    if (json_is_number(value)) {
        *ret = json_incref((json_t *)value);
        return FAULT_NONE;
    }
    if (json_is_string(value) && is_lax)
        return number_of_text(json_string_value(value), ret);
    if (json_is_boolean(value) && is_lax) {
        *ret = json_integer(json_is_true(value));
        return FAULT_NONE;
    }
    return FAULT_FLOAT;
}

static enum fault check_range(const struct node *node, const json_t *value)
{
    if (node->at_least && json_number_value(value) < json_number_value(node->at_least))
        return FAULT_GE;
    if (node->more_than && json_number_value(value) <= json_number_value(node->more_than))
        return FAULT_GT;
    if (node->at_most && json_number_value(value) > json_number_value(node->at_most))
        return FAULT_LE;
    return FAULT_NONE;
}

/* ---- booleans ---- */

static enum fault check_boolean(bool is_lax, const json_t *value, json_t **ret)
{
    static const char *const words[2][7] = { { "false", "f", "no", "n", "off", "0" },
                                             { "true", "t", "yes", "y", "on", "1" } };

    if (json_is_boolean(value)) {
        *ret = json_incref((json_t *)value);
        return FAULT_NONE;
    }
    if (!is_lax)
        return FAULT_BOOL;
    if (json_is_number(value)) {
        double number = json_number_value(value);

        if (number != 0 && number != 1)
            return json_is_integer(value) ? FAULT_BOOL_PARSING : FAULT_BOOL;
        *ret = json_boolean(number == 1);
        return FAULT_NONE;
    }
    if (!json_is_string(value))
        return FAULT_BOOL;

    for (int truth = 0; truth < 2; truth++)
        for (const char *const *word = words[truth]; *word; word++)
            if (str_eq_case(json_string_value(value), *word)) {
                *ret = json_boolean(truth);
                return FAULT_NONE;
            }
    return FAULT_BOOL_PARSING;
}

/* ---- texts ---- */

static enum fault check_string(const struct node *node, const json_t *value, json_t **ret)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (!text)
        return FAULT_STRING;
    if (node->len_min > 0 || node->len_max < SIZE_MAX) {
        size_t count = str_count(text, len);

        if (count < node->len_min)
            return FAULT_STRING_SHORT;
        if (count > node->len_max)
            return FAULT_STRING_LONG;
    }
    if (node->pattern && (len > PATTERN_INPUT || regexec(&node->regex, text, 0, NULL, 0) != 0))
        return FAULT_PATTERN;
    *ret = json_incref((json_t *)value);
    return FAULT_NONE;
}

/* ---- */

static enum fault check_type(const struct node *node, bool is_lax, const json_t *value,
                             json_t **ret)
{
    switch (node->type) {
    case SCHEMA_STRING:
        return check_string(node, value, ret);
    case SCHEMA_INTEGER:
        return check_integer(is_lax, value, ret);
    case SCHEMA_NUMBER:
        return check_number(is_lax, value, ret);
    case SCHEMA_BOOLEAN:
        return check_boolean(is_lax, value, ret);
    case SCHEMA_NULL:
        return FAULT_NULL;
    default:
        *ret = json_incref((json_t *)value);
        return FAULT_NONE;
    }
}

static bool is_choice(const struct node *node, const json_t *value)
{
    json_t *choice;
    size_t i;

    json_array_foreach(node->choices, i, choice)
    {
        if (json_equal(choice, value))
            return true;
    }
    return false;
}

enum fault scalar_check(const struct node *node, bool is_lax, const json_t *value,
                        json_t **ret_value)
{
    json_t *result = NULL;
    enum fault fault;

    if (node->choices && is_choice(node, value)) {
        *ret_value = json_incref((json_t *)value);
        return FAULT_NONE;
    }

    fault = check_type(node, is_lax, value, &result);
    if (fault == FAULT_NONE && result && json_is_number(result))
        fault = check_range(node, result);
    if (node->choices && (fault != FAULT_NONE || !is_choice(node, result)))
        fault = FAULT_LITERAL;
    if (fault != FAULT_NONE) {
        json_decref(result);
        return fault;
    }
    *ret_value = result;
    return FAULT_NONE;
}
