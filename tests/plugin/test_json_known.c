/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "json_known.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static json_t *slow(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

enum { A = 1, B, C, PLACES };

static const struct json_known item[] = { { "b", B }, { "x" }, { 0 } },
                               list[] = { { "item", .members = item }, { 0 } },
                               known[] = { { "a", A },
                                           { "list", .members = list, .list = true },
                                           { "c", C },
                                           { "object" },
                                           { 0 } };

static void of_what_is_known_it_reads_what_is_wanted(void **state)
{
    static const struct {
        const char *text, *a, *b; /* "": it is not there; a NULL: somebody else should look at it */
    } cases[] = {
        { "{}", "", "" },
        { " { \"a\" : [1,{\"[\":\"]\"}] , \"object\" : \"x y\" } ", "[1,{\"[\":\"]\"}]", "" },
        { "{\"object\":-1.5e3,\"list\":[{\"item\":{\"x\":1,\"b\":\"\\n\"}}]}", "", "\"\\n\"" },
        { "{\"list\":[ ],\"a\":12}", "12", "" },
        { "{\"list\":[ { } ]}", "", "" },
        { "{\"list\":null,\"a\":null,\"what\":null}", "", "" },
        { "{\"c\":1}", "", "" }, /* it has a value */
        { "{\"a\":{1}}", NULL },
        { "{\"c\":[]}", NULL },
        { "{\"a\":[\"]}", NULL },
        { "{\"a\":[[]", NULL },
        { "{\"a\":]}", NULL },
        { "{\"what\":1}", NULL },
        { "{\"list\":[{\"b\":1}]}", NULL },
        { "{\"list\":[{},{}]}", NULL },
        { "{\"list\":[1]}", NULL },
        { "{\"list\":{}}", NULL },
        { "{\"list\":[{\"item\":[]}]}", NULL },
        { "{\"a\":1,\"a\":2}", NULL },
        { "{\"a\":null,\"a\":2}", NULL },
        { "{\"list\":[],\"list\":[]}", NULL },
        { "{\"objects\":2}", NULL },
        { "{\"objec\":2}", NULL },
        { "{\"object\":[1]}", NULL },
        { "{\"object\":}", NULL },
        { "{\"object\":01}", NULL },
        { "{\"object\":\"x}", NULL },
        { "{\"object\":\"\\n\"}", NULL },
        { "{\"object\":nul}", NULL },
        { "{\"object\":1,}", NULL },
        { "{\"object\":1}{", NULL },
        { "{\"object\":1", NULL },
        { "[{\"object\":1}]", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_found found[PLACES] = { [C].value = json_true() };
        const char *const wanted[PLACES] = { NULL, cases[i].a, cases[i].b };
        bool read = json_known_read(cases[i].text, strlen(cases[i].text), known, found);

        if (read != (cases[i].a != NULL))
            fail_msg("%s", cases[i].text);
        for (size_t at = A; at <= B; at++) {
            EIN_JSON json_t *value = found[at].value;
            EIN_JSON json_t *its = read ? slow(wanted[at]) : NULL;

            if (read && (value ? !json_equal(value, its) || found[at].len != strlen(wanted[at]) ||
                                     memcmp(found[at].at, wanted[at], found[at].len) != 0
                               : *wanted[at]))
                fail_msg("%s: %zu", cases[i].text, at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_what_is_known_it_reads_what_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
