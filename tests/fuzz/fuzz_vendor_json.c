/* SPDX-License-Identifier: Apache-2.0 */
/* What vendors send as JSON, and as Retry-After: what is read can be written again, and it
 * is what jansson reads. */
#include "json_depth.h"
#include "json_known.h"
#include "json_text.h"
#include "vendor.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const char *text, size_t len)
{
    EIN_JSON json_t *ours = json_text_parse(text, len, VENDOR_DEPTH_MAX, NULL);
    EIN_JSON json_t *theirs =
        json_deeper_than(text, len, VENDOR_DEPTH_MAX)
            ? NULL
            : json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    if (memchr(text, '\0', len)) { /* which jansson passes over behind a number or a word */
        if (ours)
            abort();
        return;
    }
    if (ours ? !json_equal(ours, theirs) : theirs != NULL)
        abort();
}

/* What is wanted of an object is what all of it has there. */
static void compare_known(const char *text, size_t len)
{
    enum { A = 1, B, C, COUNT };
    static const struct json_known inner[] = { { "a", A }, { 0 } }, item[] = { { "b", B }, { 0 } },
                                   known[] = { { "a", .members = inner },
                                               { "b", .members = item, .list = true },
                                               { "c", C },
                                               { "object" },
                                               { 0 } };
    struct json_found found[COUNT] = { { NULL } };
    bool read = json_known_read(text, len, known, found);
    EIN_JSON json_t *all = read ? json_text_parse(text, len, VENDOR_DEPTH_MAX, NULL) : NULL;
    const json_t *wanted[COUNT] = {
        [A] = json_object_get(json_object_get(all, "a"), "a"),
        [B] = json_object_get(json_array_get(json_object_get(all, "b"), 0), "b"),
        [C] = json_object_get(all, "c"),
    };

    for (size_t i = 0; i < COUNT; i++) {
        const json_t *value = found[i].value ? found[i].value : json_null();

        if (all && !json_equal(value, wanted[i] ? wanted[i] : json_null()))
            abort();
        json_decref(found[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = vendor_json((const char *)data, size);
    EIN_JSON json_t *header = json_stringn((const char *)data, strnlen((const char *)data, size));
    EIN_JSON json_t *headers = header ? json_pack("{s:O}", "retry-after", header) : NULL;

    compare((const char *)data, size);
    compare_known((const char *)data, size);
    if (json) {
        EIN_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        EIN_JSON json_t *again = text ? vendor_json(text, strlen(text)) : NULL;

        if (!again || !json_equal(json, again))
            abort();
    }
    if (vendor_retry_after(headers) > VENDOR_RETRY_MAX_MS)
        abort();
    return 0;
}
