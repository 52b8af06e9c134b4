/* SPDX-License-Identifier: Apache-2.0 */
/* What decides how a deployed agent is called and shown: Accept, scopes, declared fields. */
#include "accept.h"
#include "cleanup.h"
#include "field_schema.h"
#include "scopes.h"
#include "unit.h"

#include <stdlib.h>

static void what_is_wanted_more_is_preferred(void **state)
{
    static const struct {
        const char *accept;
        bool events;
    } table[] = {
        { NULL, false },
        { "", false },
        { ", ,", false },
        { "*/*", false },
        { "text/*", false },
        { "text/event-stream", true },
        { "Text/Event-Stream", true },
        { "text/event-streams", false },
        { "text/event-stream;charset=utf-8", true },
        { "text/event-stream;q=0", false },
        { "text/event-stream;q=0.0001", true },
        { "text/event-stream, application/json", true },
        { "application/json, text/event-stream", false },
        { "application/json;q=0.5, text/event-stream", true },
        { "application/json, text/event-stream;q=0.5", false },
        { "text/event-stream;q=0.5, */*", false },
        { "text/event-stream;q=0.5, application/*;q=0.4, */*;q=0.1", true },
        { "text/event-stream;q=2", true },  /* no such quality: as if it were not there */
        { "text/event-stream;q=-1", true }, /* likewise */
        { "text/event-stream ; x=1 ; Q=0.2 , application/json ; q=0.3", false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(accept_prefers(table[i].accept, "text/event-stream", "application/json"),
                         table[i].events);
}

static void a_scope_covers_those_below_it(void **state)
{
    assert_true(scope_covers("agents", "agents"));
    assert_true(scope_covers("agents", "agents:run"));
    assert_false(scope_covers("agents:run", "agents"));
    assert_false(scope_covers("agent", "agents:run"));
    assert_false(scope_covers("use:pay", "use:payroll"));
}

static void a_credential_without_scopes_is_not_limited(void **state)
{
    static const char *const held[] = { "deployments:run", "use:payroll", NULL };
    static const char *const nothing[] = { NULL };
    const struct ein_identity limited = { .scopes = held }, whole = { 0 },
                              empty = { .scopes = nothing };
    EIN_JSON json_t *of_limited = scopes_json(&limited);
    EIN_JSON json_t *of_whole = scopes_json(&whole);
    EIN_JSON json_t *of_empty = scopes_json(&empty);

    assert_true(scope_is_held(&limited, "use:payroll") &&
                scope_is_among(of_limited, "use:payroll"));
    assert_false(scope_is_held(&limited, "use:other") || scope_is_among(of_limited, "use:other"));
    assert_true(scope_is_held(&whole, "use:other") && scope_is_among(of_whole, "use:other"));
    assert_false(scope_is_held(&empty, "use:other") || scope_is_among(of_empty, "use:other"));
    assert_false(scope_is_among(NULL, "use:other")); /* nobody has said whose they are */
}

static void assert_json(const json_t *got, const char *text)
{
    EIN_JSON json_t *wanted = json_loads(text, 0, NULL);

    assert_non_null(wanted);
    assert_true(json_equal(got, wanted));
}

static void declared_fields_are_a_schema(void **state)
{
    EIN_JSON json_t *fields =
        json_pack("{s:s, s:s, s:s, s:i}", "a", "string", "b", "float", "c", "json", "d", 1);
    EIN_JSON json_t *input = field_schema(fields, false);
    EIN_JSON json_t *output = field_schema(fields, true);
    EIN_JSON json_t *any = field_schema(NULL, true);
    EIN_JSON json_t *null = field_schema(json_null(), true);

    assert_json(input,
                "{\"type\":\"object\",\"additionalProperties\":true,\"properties\":{"
                "\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"number\"},\"c\":{},\"d\":{}}}");
    assert_json(json_object_get(output, "required"), "[\"a\",\"b\",\"c\",\"d\"]");
    assert_json(any, "{\"type\":\"object\",\"additionalProperties\":true}");
    assert_true(json_equal(any, null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_more_is_preferred),
        cmocka_unit_test(a_scope_covers_those_below_it),
        cmocka_unit_test(a_credential_without_scopes_is_not_limited),
        cmocka_unit_test(declared_fields_are_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
