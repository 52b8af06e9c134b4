/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp.h"

#include "attributes.h"

/* SpanKind and StatusCode are numbers in the JSON form, and ids hexadecimal. */
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CLIENT = 3, STATUS_ERROR = 2 };

static int kind_of(int kind)
{
    return kind == EIN_SPAN_SERVER   ? KIND_SERVER
           : kind == EIN_SPAN_CLIENT ? KIND_CLIENT
                                     : KIND_INTERNAL;
}

static json_t *attributes_of(const struct span *span)
{
    json_t *attributes = json_array();
    const char *key;
    json_t *value;

    json_object_foreach(span->attributes, key, value) attribute_add(attributes, key, value);
    if (span->error)
        attribute_add_text(attributes, "error.type", span->error);
    return attributes;
}

static json_t *span_json(const struct span *span)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:s*}", "traceId", span->trace_id, "spanId",
        span->span_id, "name", span->name, "kind", kind_of(span->kind), "startTimeUnixNano",
        number_text(span->began_ns), "endTimeUnixNano", number_text(span->ended_ns), "attributes",
        attributes_of(span), "parentSpanId", *span->parent_id ? span->parent_id : NULL);

    if (span->error)
        (void)json_object_set_new(json, "status", json_pack("{s:i}", "code", STATUS_ERROR));
    return json;
}

json_t *otlp_spans(const struct otlp *otlp, const struct span *spans)
{
    json_t *array = json_array();

    for (; spans; spans = spans->next)
        (void)json_array_append_new(array, span_json(spans)); /* a name that is no UTF-8 is none */
    return json_pack("{s:[{s:O, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans", "resource",
                     otlp->resource, "scopeSpans", "scope", "name", "einion", "version",
                     otlp->host->version, "spans", array);
}
