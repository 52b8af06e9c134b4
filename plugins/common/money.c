/* SPDX-License-Identifier: Apache-2.0 */
#include "money.h"

#include "error.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { MANTISSA_BITS = 53 };

__extension__ typedef unsigned __int128 wide;

int money_check(int64_t nano, const char *name, struct ein_error *err)
{
    if (nano >= 0 && nano <= MONEY_MAX)
        return 0;
    return error_set(err, EIN_E_INVALID, "%s has to be from 0 to %" PRId64 " dollars", name,
                     MONEY_MAX / MONEY_NANO);
}

/* DOLLARS * 10^9 would be rounded twice: a double is an integer times a power of two, and that
 * integer times 10^9 fits 83 bits. */
static int64_t nearest(double dollars)
{
    int exponent;
    wide product =
        (wide)(int64_t)ldexp(frexp(dollars, &exponent), MANTISSA_BITS) * (wide)MONEY_NANO;

    exponent -= MANTISSA_BITS;
    if (exponent >= 0)
        return (int64_t)(product << exponent);
    if (exponent < -100)
        return 0;
    return (int64_t)((product + ((wide)1 << (-exponent - 1))) >> -exponent);
}

int money_from_json(const json_t *dollars, int64_t *ret_nano, struct ein_error *err)
{
    double value = json_number_value(dollars);
    bool fits = json_is_number(dollars) && value >= 0 && value <= (double)(MONEY_MAX / MONEY_NANO);

    if (!fits)
        return money_check(-1, "An amount of money", err);
    *ret_nano = nearest(value);
    return 0;
}

json_t *money_to_json(int64_t nano)
{
    if (nano % MONEY_NANO == 0)
        return json_integer(nano / MONEY_NANO);
    return json_real((double)nano / (double)MONEY_NANO);
}

void money_to_text(int64_t nano, char ret_text[MONEY_TEXT_SIZE])
{
    uint64_t amount = nano < 0 ? -(uint64_t)nano : (uint64_t)nano;
    int len = snprintf(ret_text, MONEY_TEXT_SIZE, "%s%" PRIu64 ".%09" PRIu64, nano < 0 ? "-" : "",
                       amount / MONEY_NANO, amount % MONEY_NANO);

    while (ret_text[len - 1] == '0')
        ret_text[--len] = '\0';
    if (ret_text[len - 1] == '.')
        ret_text[--len] = '\0';
}
