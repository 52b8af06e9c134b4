/* SPDX-License-Identifier: Apache-2.0 */
/* What vendors send as JSON, and as Retry-After: what is read can be written again, and what is
 * read quickly is what jansson reads. */
#include "json_depth.h"
#include "json_quick.h"
#include "vendor.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const char *text, size_t len)
{
    EIN_JSON json_t *quick = json_quick(text, len, VENDOR_DEPTH_MAX);
    EIN_JSON json_t *slow =
        quick ? json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL) : NULL;

    if (quick &&
        (!slow || !json_equal(quick, slow) || json_deeper_than(text, len, VENDOR_DEPTH_MAX)))
        abort();
}

/* What is passed over makes no difference to the rest. */
static void compare_without(const char *text, size_t len)
{
    static const char *const unread[] = { "a", "object", NULL };
    EIN_JSON json_t *some = json_quick_but(text, len, VENDOR_DEPTH_MAX, unread);
    EIN_JSON json_t *all = some ? json_quick(text, len, VENDOR_DEPTH_MAX) : NULL;

    for (size_t i = 0; unread[i]; i++)
        (void)json_object_del(all, unread[i]);
    if (all && !json_equal(some, all))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = vendor_json((const char *)data, size);
    EIN_JSON json_t *header = json_stringn((const char *)data, strnlen((const char *)data, size));
    EIN_JSON json_t *headers = header ? json_pack("{s:O}", "retry-after", header) : NULL;

    compare((const char *)data, size);
    compare_without((const char *)data, size);
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
