/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include "base64url.h"
#include "cleanup.h"
#include "json_depth.h"

#include <string.h>

enum { DEPTH = 32 };

static const char prefix[] = "einion.";

char *replay_text(const json_t *replay)
{
    const char *signature = json_string_value(json_object_get(replay, "signature"));
    const char *wire = json_string_value(json_object_get(replay, "wire"));
    EIN_FREE char *text = NULL;
    EIN_FREE char *encoded = NULL;
    char *whole;

    if (signature && wire && strcmp(wire, "anthropic") == 0 && json_object_size(replay) == 2)
        return strdup(signature);
    text = json_dumps(replay, JSON_COMPACT);
    encoded = text ? base64url_encode(text, strlen(text)) : NULL;
    whole = encoded ? malloc(sizeof(prefix) + strlen(encoded)) : NULL;
    if (whole) {
        memcpy(whole, prefix, sizeof(prefix) - 1);
        strcpy(whole + sizeof(prefix) - 1, encoded);
    }
    return whole;
}

json_t *replay_read(const char *text, size_t *values_left)
{
    EIN_FREE unsigned char *decoded = NULL;
    EIN_JSON json_t *replay = NULL;
    size_t len;

    if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
        return *text ? json_pack("{s:s, s:s}", "wire", "anthropic", "signature", text) : NULL;
    text += sizeof(prefix) - 1;
    decoded = base64url_decode(text, strlen(text), &len);
    if (decoded && json_take_values((const char *)decoded, len, values_left))
        replay = json_object_read((const char *)decoded, len, DEPTH);
    return json_is_string(json_object_get(replay, "wire")) ? EIN_TAKE(replay) : NULL;
}
