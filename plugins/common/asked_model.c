/* SPDX-License-Identifier: Apache-2.0 */
#include "asked_model.h"

#include "built_in_tools.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"

json_t *asked_model_name(const json_t *body)
{
    const json_t *config = json_object_get(body, "modelConfig");

    return json_sprintf("%s/%s", text_of(config, "provider"), text_of(config, "model"));
}

int asked_model_tools(const struct ein_service *completion, const struct ein_completion_call *call,
                      const json_t *body, json_t *tools, json_t *notes, struct ein_error *err)
{
    const json_t *listed = json_object_get(body, "builtInTools");
    json_t *one = json_object_get(json_object_get(body, "modelConfig"), "builtInTool");
    EIN_JSON json_t *wanted = json_is_array(listed) ? json_copy((json_t *)listed) : json_array();

    if (json_array_size(wanted) == 0 && json_string_length(one) > 0 &&
        json_array_append(wanted, one) < 0)
        return error_no_memory(err);
    return built_in_tools_find(completion, call, wanted, tools, notes, err);
}

int asked_model_status(const struct ein_completion_outcome *outcome, int code)
{
    static const struct {
        int32_t said, status;
    } table[] = { { 400, 422 }, { 401, 422 }, { 402, 402 }, { 404, 422 },
                  { 413, 422 }, { 422, 422 }, { 429, 429 }, { 504, 504 } };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].said == outcome->status)
            return table[i].status;
    if (outcome->attempts > 0)
        return 502;
    return outcome->status == 503 ? 503 : code == EIN_E_NOT_FOUND ? 422 : 502;
}
