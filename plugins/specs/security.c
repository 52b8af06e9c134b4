/* SPDX-License-Identifier: Apache-2.0 */
/* What a call has to carry to be let in. */
#include "read.h"

#include <string.h>

static json_t *scheme_named(struct reading *reading, const char *name)
{
    json_t *schemes = reading->two ? json_object_get(reading->root, "securityDefinitions")
                                   : json_object_get(json_object_get(reading->root, "components"),
                                                     "securitySchemes");
    json_t *scheme = json_object_get(schemes, name);
    char why[WHY_SIZE];

    return scheme ? refer(reading, scheme, why) : NULL;
}

/* OpenAPI 2 calls HTTP's own way "basic". */
static json_t *shown(struct reading *reading, json_t *scheme)
{
    const char *type = text_kept(reading, scheme, "type");
    static const char *const kept[] = { "scheme", "in", "name" };
    json_t *shown;

    if (strcmp(type, "basic") == 0)
        return json_pack("{s:s, s:s}", "type", "http", "scheme", "basic");
    shown = json_pack("{s:s}", "type", type);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const char *text = text_kept(reading, scheme, kept[i]);

        if (*text)
            (void)json_object_set_new(shown, kept[i], json_string(text));
    }
    return shown;
}

static void add(struct reading *reading, json_t *list, json_t *seen, const char *name)
{
    json_t *scheme = json_object_get(seen, name) ? NULL : scheme_named(reading, name);

    if (!scheme)
        return;
    (void)json_object_set_new(seen, name, json_true());
    (void)json_array_append_new(list, shown(reading, scheme));
}

json_t *security_of(struct reading *reading, json_t *operation)
{
    json_t *needs = json_object_get(operation, "security"), *list = json_array(), *one, *scopes;
    EIN_JSON json_t *seen = json_object();
    const char *name;
    int looked = 0;
    size_t i, len;

    if (!json_is_array(needs))
        needs = json_object_get(reading->root, "security");
    json_array_foreach(needs, i, one)
    {
        if (looked >= LOOK_MAX)
            break;
        json_object_keylen_foreach(one, name, len, scopes)
        {
            if (looked++ == LOOK_MAX)
                break;
            if (len <= WORD_MAX)
                add(reading, list, seen, name);
        }
    }
    return list;
}
