/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp.h"

#include "attributes.h"
#include "cleanup.h"
#include "error.h"
#include "ids.h"
#include "percent.h"
#include "str.h"

#include <string.h>

/* ---- lists of the environment ---- */

static char *trim(char *text)
{
    char *end;

    while (*text == ' ' || *text == '\t')
        text++;
    for (end = text + strlen(text); end > text && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = '\0';
    return text;
}

/* "key=value,key=value", each percent-encoded, as W3C Baggage has it.  Non-zero ends it. */
static int each_pair(const char *text, int (*visit)(const char *key, const char *value, void *data),
                     void *data)
{
    EIN_FREE char *copy = strdup(text);
    char *rest = NULL;

    if (!copy)
        return EIN_E_NO_MEMORY;
    for (char *pair = strtok_r(copy, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(pair, '=');
        char *key = pair;

        if (!value && !*trim(pair))
            continue;
        if (!value)
            return EIN_E_INVALID;
        *value++ = '\0';
        key = trim(key);
        value = trim(value);
        if (!*key || percent_decode(key, strlen(key)) < 0 ||
            percent_decode(value, strlen(value)) < 0)
            return EIN_E_INVALID;
        int r = visit(key, value, data);
        if (r != 0)
            return r;
    }
    return 0;
}

/* ---- headers ---- */

static int add_header(const char *key, const char *value, void *data)
{
    struct otlp *otlp = data;
    size_t count = 0;

    while (otlp->headers[count])
        count++;
    if (count > OTLP_HEADERS_MAX)
        return EIN_E_TOO_LARGE;
    if (strpbrk(key, ": \r\n") || strpbrk(value, "\r\n"))
        return EIN_E_INVALID;
    otlp->headers[count] = str_print("%s: %s", key, value);
    return otlp->headers[count] ? 0 : EIN_E_NO_MEMORY;
}

/* What they say stays out of what is said of them: they may be secrets. */
int otlp_headers(struct otlp *otlp, const char *text, struct ein_error *err)
{
    int r = add_header("Content-Type", "application/json", otlp);

    if (r == 0 && text)
        r = each_pair(text, add_header, otlp);
    if (r == EIN_E_NO_MEMORY)
        return error_no_memory(err);
    return r < 0 ? error_set(err, r,
                             "The headers for the collector are not at most %d of "
                             "\"name=value\", with commas between them, percent-encoded.",
                             OTLP_HEADERS_MAX)
                 : 0;
}

/* ---- the resource ---- */

static int add_member(const char *key, const char *value, void *data)
{
    return json_object_set_new(data, key, json_string(value)) < 0 ? EIN_E_INVALID : 0;
}

/* Later ones count more. */
static int collect(const struct otlp *otlp, const json_t *config, json_t *members)
{
    const struct ein_host *host = otlp->host;
    const char *listed = host->secret(otlp->ctx, "OTEL_RESOURCE_ATTRIBUTES");
    const char *service = json_string_value(json_object_get(config, "service_name"));
    char id[UUID_SIZE];
    int r;

    if (!*service)
        service = host->secret(otlp->ctx, "OTEL_SERVICE_NAME");
    uuid_make(id);
    if ((r = add_member("service.name", "einion", members)) < 0 ||
        (r = add_member("service.version", host->version, members)) < 0 ||
        (r = add_member("service.instance.id", id, members)) < 0 ||
        (r = listed ? each_pair(listed, add_member, members) : 0) < 0)
        return r;
    if (json_object_update(members, json_object_get(config, "resource")) < 0)
        return EIN_E_NO_MEMORY;
    return service && *service ? add_member("service.name", service, members) : 0;
}

int otlp_resource(const struct otlp *otlp, const json_t *config, json_t **ret_resource,
                  struct ein_error *err)
{
    EIN_JSON json_t *members = json_object();
    int r = members ? collect(otlp, config, members) : EIN_E_NO_MEMORY;
    const char *key;
    json_t *value;

    if (r == EIN_E_INVALID)
        return error_set(err, r,
                         "OTEL_RESOURCE_ATTRIBUTES is not a list of \"key=value\", with "
                         "commas between them, percent-encoded.");
    json_t *attributes = r == 0 ? json_array() : NULL;
    if (!attributes)
        return error_no_memory(err);
    json_object_foreach(members, key, value) attribute_add(attributes, key, value);
    *ret_resource = json_pack("{s:o}", "attributes", attributes);
    return *ret_resource ? 0 : error_no_memory(err);
}
