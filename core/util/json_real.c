/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DIGITS with a point before the last PLACES of them. */
static size_t write_places(bool negative, uint64_t digits, size_t places, char out[JSON_REAL_SIZE])
{
    char *end = out + JSON_REAL_SIZE, *at = end;
    size_t len;

    *--at = '\0';
    for (size_t i = 0; i <= places || digits; i++, digits /= 10) {
        if (i == places)
            *--at = '.';
        *--at = (char)('0' + digits % 10);
    }
    if (negative)
        *--at = '-';
    len = (size_t)(end - at) - 1;
    memmove(out, at, len + 1);
    return len;
}

/* Most numbers that people write have few digits: of at most 15 there is one for each double, which
 * is then the shortest.  Much quicker than trying what reads back the same.  0: it is none of
 * them. */
static size_t write_short(double value, char out[JSON_REAL_SIZE])
{
    static const double powers[] = { 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8 };
    double size = fabs(value);

    if (!(size >= 1e-4 && size < 1e7))
        return 0;
    for (size_t places = 1; places <= sizeof(powers) / sizeof(powers[0]); places++) {
        double power = powers[places - 1];
        uint64_t whole = (uint64_t)(size * power + 0.5);

        if ((double)whole / power == size)
            return write_places(value < 0, whole, places, out);
    }
    return 0;
}

/* Adds one to the last digit of "1.234e-05".  False: all are nines. */
static bool round_up(char *text)
{
    for (char *at = strchr(text, 'e'); at > text;) {
        at--;
        if (*at == '.')
            continue;
        if (*at < '9') {
            ++*at;
            return true;
        }
        *at = '0';
    }
    return false;
}

/* The fewest digits that read back as `value`, in the form of "%e": 15 or fewer with zeros behind
 * them, unless it is so small that it has fewer. */
static void write_shortest(double value, char *text, size_t size)
{
    int exponent;
    bool power_of_two = frexp(fabs(value), &exponent) == 0.5;

    for (int precision = fabs(value) < DBL_MIN ? 0 : DBL_DIG - 1; precision <= 16; precision++) {
        (void)snprintf(text, size, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            return;
        /* Above a power of two doubles lie twice as far apart as below: the nearest decimal may
         * miss it below where the next one hits above. */
        if (power_of_two && precision < 16 && round_up(text) && strtod(text, NULL) == value)
            return;
    }
}

size_t json_text_real(double value, char out[JSON_REAL_SIZE])
{
    char text[40], digits[24], *at = out;
    size_t len = write_short(value, out), room;
    int exponent, count = 0, r;

    if (len)
        return len;
    write_shortest(value, text, sizeof(text));
    exponent = atoi(strchr(text, 'e') + 1);
    for (const char *p = text; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0')
        count--;

    if (text[0] == '-')
        *at++ = '-';
    room = (size_t)(out + JSON_REAL_SIZE - at);
    if (exponent < -4 || exponent >= 16)
        r = snprintf(at, room, "%c%s%.*se%+03d", digits[0], count > 1 ? "." : "", count - 1,
                     digits + 1, exponent);
    else if (exponent < 0)
        r = snprintf(at, room, "0.%.*s%.*s", -exponent - 1, "000", count, digits);
    else if (count > exponent + 1)
        r = snprintf(at, room, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1,
                     digits + exponent + 1);
    else
        r = snprintf(at, room, "%.*s%.*s.0", count, digits, exponent + 1 - count,
                     "000000000000000");
    return (size_t)(at - out) + (size_t)r;
}
