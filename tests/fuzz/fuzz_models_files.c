/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of models, and what they hold as a live list: a file that is taken adds up to
 * a catalog that holds, and a fault has a sentence. */
#include "catalog_files.h"
#include "cleanup.h"
#include "entry.h"
#include "resolve.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char shipped[] =
    "providers: {p: {built_in_tools: {saw: {tool_config: {}}}, defaults: {context_window: 1},"
    "  models: {a: {parameters: {n: {type: float, default: 1}}, price: {input: 1, output: 2}},"
    "  b: {like: a}}}}";

static void read_all(const json_t *resolved)
{
    const char *name, *id;
    json_t *provider, *entry;

    json_object_foreach(json_object_get(resolved, "providers"), name, provider)
    {
        json_object_foreach(json_object_get(provider, "models"), id, entry)
        {
            struct model model;

            model_read(&model, name, id, entry);
            for (int i = 0; i < PRICE_KINDS; i++)
                if (model.price[i] < -1 || model.price[i] > INT64_C(1000000000000000))
                    abort();
        }
    }
}

static void resolve(const json_t *catalog, const json_t *live)
{
    struct check check = { .err = NULL };
    EIN_JSON json_t *resolved = NULL;

    if (catalog_resolve(&check, catalog, live, &resolved) < 0)
        abort();
    EIN_JSON json_t *exclusive = catalog_exclusive(resolved);
    EIN_JSON json_t *windows = catalog_context_windows(resolved);
    if (!exclusive || !windows)
        abort();
    read_all(resolved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *base = NULL;
    EIN_JSON json_t *more = NULL;
    EIN_JSON json_t *live = json_loadb((const char *)data, size, 0, NULL);
    struct ein_error err = { 0 };

    if (files_add_text("shipped", shipped, strlen(shipped), NULL, &base, &err) < 0)
        abort();
    if (files_add_text("f", (const char *)data, size, base, &more, &err) == 0)
        resolve(more, NULL);
    else if (!*err.text)
        abort();
    if (json_is_object(live)) {
        EIN_JSON json_t *lists = json_pack("{s:O, s:O}", "p", live, "q", live);
        resolve(base, lists);
    }
    return 0;
}
