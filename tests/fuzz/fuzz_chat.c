/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may send as the messages and parameters of a chat: {"messages", "parameters",
 * "schema"}, where the route's own schema has seen to it that messages are objects. */
#include "cleanup.h"
#include "input.h"
#include "message_parts.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FAULTS_MAX = 20 };

/* As the schema leaves them: objects with a role. */
static json_t *checked_messages(const json_t *given)
{
    json_t *messages = json_array(), *message;
    size_t i;

    json_array_foreach((json_t *)given, i, message)
    {
        if (json_is_string(json_object_get(message, "role")))
            (void)json_array_append(messages, message);
    }
    return messages;
}

static void check_input(const json_t *chat, const json_t *messages)
{
    EIN_JSON json_t *input = NULL;
    struct ein_error err = { 0 };
    int r = input_make(json_object_get(chat, "schema"), json_object_get(chat, "parameters"),
                       messages, &input, &err);

    if (r == 0 && !json_is_string(json_object_get(input, "inputText")))
        abort();
    if (r < 0 && (r != EIN_E_INVALID || !*err.text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *chat = json_loadb((const char *)data, size, 0, NULL);
    EIN_JSON json_t *messages = checked_messages(json_object_get(chat, "messages"));
    EIN_JSON json_t *faults = message_parts_faults(messages);

    if (!chat)
        return 0;
    if (!json_is_array(faults) || json_array_size(faults) > FAULTS_MAX)
        abort();
    if (json_array_size(faults) == 0)
        check_input(chat, messages);
    return 0;
}
