/* SPDX-License-Identifier: Apache-2.0 */
/* What a model has written, whatever that is: a name that is one, code that has run() at its left
 * margin; and samples of any schema, which end. */
#include "cleanup.h"
#include "json_depth.h"
#include "sample.h"
#include "url.h"
#include "written.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
    if (!*name || strlen(name) > WRITTEN_NAME_MAX)
        abort();
    for (; *name; name++)
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_')
            abort();
}

static void check_answer(const char *text)
{
    struct written written;

    if (written_read(text, text, &written) < 0)
        abort();
    check_name(written.name);
    if (written.code && strncmp(written.code, "async def run(", 14) != 0 &&
        !strstr(written.code, "\nasync def run("))
        abort();
    written_done(&written);
}

static void check_schema(const char *text, size_t len)
{
    EIN_JSON json_t *schema = json_object_read(text, len, DEPTH_MAX);
    EIN_JSON json_t *sample = schema ? sample_of_schema(schema, schema) : NULL;
    EIN_JSON json_t *fields = sample_of_fields(schema);

    json_decref(sample_fault(schema, fields));
    if (!fields || (schema && !sample))
        abort();
}

static void check_url(const char *text)
{
    (void)url_fits(text, "https://a.org/v1/", "/x/{y}.json");
    (void)url_fits("https://a.org/v1/x", "", text);
    (void)url_has_query(text, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_FREE char *text = strndup((const char *)data, size);

    if (!text)
        return 0;
    check_answer(text);
    check_schema(text, strlen(text));
    check_url(text);
    return 0;
}
