/* SPDX-License-Identifier: Apache-2.0 */
#include "price.h"

#define PRICE_UNIT 1000000 /* what a price of the catalog is for */

__extension__ typedef unsigned __int128 amount; /* nano-dollars for PRICE_UNIT tokens */

/* What one kind costs where `input` tokens were sent; -1: it has no price of its own. */
static int64_t own_price(const struct model *model, enum model_price kind, uint64_t input)
{
    if (input > PRICE_LONG_CONTEXT && model->long_price[kind] >= 0)
        return model->long_price[kind];
    return model->price[kind];
}

/* Without a price of its own a kind costs what `otherwise` costs. */
static amount price_of(const struct model *model, enum model_price kind, enum model_price otherwise,
                       uint64_t input)
{
    int64_t price = own_price(model, kind, input);

    if (price < 0)
        price = own_price(model, otherwise, input);
    return price < 0 ? 0 : (amount)price;
}

static int64_t round_up(amount sum)
{
    sum = (sum + PRICE_UNIT - 1) / PRICE_UNIT;
    return sum > PRICE_MAX ? PRICE_MAX : (int64_t)sum;
}

static uint64_t less(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

/* What is kept longer costs more to write, at those who say so. */
static amount written_cost(const struct model *model, const struct usage *usage)
{
    enum model_price hour =
        model->price[PRICE_CACHE_HOUR] < 0 ? PRICE_CACHE_WRITE : PRICE_CACHE_HOUR;
    uint64_t kept = usage->cache_hour < usage->cache_write ? usage->cache_hour : usage->cache_write;

    return (usage->cache_write - kept) *
               price_of(model, PRICE_CACHE_WRITE, PRICE_INPUT, usage->input) +
           kept * price_of(model, hour, PRICE_INPUT, usage->input);
}

int64_t price_cost(const struct model *model, const struct usage *usage)
{
    uint64_t input = usage->input;
    uint64_t plain = less(less(input, usage->cached), usage->cache_write);
    amount sum = plain * price_of(model, PRICE_INPUT, PRICE_INPUT, input);

    sum += usage->cached * price_of(model, PRICE_CACHE_READ, PRICE_INPUT, input);
    sum += written_cost(model, usage);
    sum +=
        less(usage->output, usage->reasoning) * price_of(model, PRICE_OUTPUT, PRICE_OUTPUT, input);
    sum += usage->reasoning * price_of(model, PRICE_REASONING, PRICE_OUTPUT, input);
    sum += price_of(model, PRICE_REQUEST, PRICE_REQUEST, input);
    sum += usage->searches * price_of(model, PRICE_SEARCH, PRICE_SEARCH, input);
    return round_up(sum);
}

static amount most(amount a, amount b)
{
    return a > b ? a : b;
}

static amount dearest(const struct model *model, const enum model_price *kinds, size_t count,
                      uint64_t input)
{
    amount price = 0;

    for (size_t i = 0; i < count; i++) {
        price = most(price, price_of(model, kinds[i], kinds[0], 0));
        price = most(price, price_of(model, kinds[i], kinds[0], input));
    }
    return price;
}

int64_t price_bound(const struct model *model, uint64_t input, uint64_t output, uint64_t searches)
{
    static const enum model_price in[] = { PRICE_INPUT, PRICE_CACHE_READ, PRICE_CACHE_WRITE,
                                           PRICE_CACHE_HOUR, PRICE_INPUT_AUDIO };
    static const enum model_price out[] = { PRICE_OUTPUT, PRICE_REASONING };
    amount sum = input * dearest(model, in, sizeof(in) / sizeof(in[0]), input);

    sum += output * dearest(model, out, sizeof(out) / sizeof(out[0]), input);
    sum += price_of(model, PRICE_REQUEST, PRICE_REQUEST, input);
    sum += searches * price_of(model, PRICE_SEARCH, PRICE_SEARCH, input);
    if (model->price[PRICE_CITATION] > 0) /* what is cited is read, at most a window full */
        sum += (amount)model->price[PRICE_CITATION] * (uint64_t)model->context_window;
    return round_up(sum);
}

bool price_is_free(const struct model *model)
{
    for (size_t i = 0; model->priced && i < PRICE_KINDS; i++)
        if (model->price[i] > 0 || model->long_price[i] > 0)
            return false;
    return true;
}
