/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters as clients send them: what is kept fits the catalog, and is kept as it is the next
 * time; what is refused is what would have been left out. */
#include "cleanup.h"
#include "json_depth.h"
#include "parameters.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char entry[] =
    "{\"api_style\": \"responses\", \"parameters\": {"
    "\"temperature\": {\"type\": \"float\", \"min\": 0, \"max\": 1,"
    "  \"mutually_exclusive_with\": [\"top_p\"]},"
    "\"top_p\": {\"type\": \"float\", \"mutually_exclusive_with\": [\"temperature\"]},"
    "\"max_tokens\": {\"type\": \"integer\", \"min\": 1, \"max\": 8192},"
    "\"reasoning_effort\": {\"type\": \"choice\", \"choices\": [\"disable\", \"low\"]},"
    "\"sources\": {\"type\": \"list_choice\", \"choices\": [\"web\", 1]},"
    "\"odd\": {\"type\": \"of no kind\"},"
    "\"flag\": {\"type\": \"boolean\"}}}";

static void check_kept(const struct model *model, const json_t *kept)
{
    const struct parameter_rules strict = { .model = model, .refuse = true };
    const json_t *temperature = json_object_get(kept, "temperature");
    EIN_JSON json_t *again = NULL;
    EIN_JSON json_t *notes = NULL;

    if (temperature && (json_number_value(temperature) < 0 || json_number_value(temperature) > 1))
        abort();
    if (parameters_max_tokens(kept) > 8192)
        abort();
    if (parameters_check(&strict, kept, &again, &notes, NULL) < 0 || notes ||
        !json_equal(again, kept))
        abort();
}

static void check_model(const char *provider, json_t *json, const json_t *given)
{
    const struct model model = { .provider = provider, .id = "m", .json = json };
    const struct parameter_rules lenient = { .model = &model },
                                 strict = { .model = &model, .refuse = true };
    EIN_JSON json_t *kept = NULL;
    EIN_JSON json_t *all = NULL;
    EIN_JSON json_t *notes = NULL;
    EIN_JSON json_t *none = NULL;

    if (parameters_check(&lenient, given, &kept, &notes, NULL) < 0)
        abort();
    if ((parameters_check(&strict, given, &all, &none, NULL) < 0) != (notes != NULL) || none)
        abort();
    if (kept)
        check_kept(&model, kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *given = json_object_read((const char *)data, size, DEPTH_MAX);
    EIN_JSON json_t *json = json_loads(entry, 0, NULL);
    struct size sent = { 0 };

    if (!given)
        return 0;
    check_model("openai", json, given);
    check_model("anthropic", json, given);
    size_json(given, &sent);
    size_messages(json_object_get(given, "messages"), &sent);
    if (size_estimate(&sent) > size_bound(&sent, 1000, 0))
        abort();
    return 0;
}
