/* SPDX-License-Identifier: Apache-2.0 */
/* struct ein_tracing where it may not be there. */
#pragma once

#include <einion/plugin.h>

static inline const struct ein_tracing *tracing_of(const struct ein_host *host)
{
    return EIN_HAS(struct ein_host, host, tracing) ? host->tracing : NULL;
}

static inline struct ein_span *span_begin(const struct ein_host *host, struct ein_ctx *ctx,
                                          int kind, const char *name)
{
    const struct ein_tracing *tracing = tracing_of(host);

    return tracing ? tracing->begin(ctx, kind, name) : NULL;
}

/* Only of a span that is there: attributes are not made for nobody. */
static inline void span_end(const struct ein_host *host, struct ein_span *span, const char *error,
                            struct json_t *take_attributes)
{
    host->tracing->end(span, error, take_attributes);
}

static inline void span_where(const struct ein_host *host, char ret_place[EIN_TRACEPARENT_SIZE])
{
    const struct ein_tracing *tracing = tracing_of(host);

    ret_place[0] = '\0';
    if (tracing)
        tracing->where(ret_place);
}

static inline void span_enter(const struct ein_host *host, const char *place)
{
    const struct ein_tracing *tracing = tracing_of(host);

    if (tracing)
        tracing->enter(place);
}
