/* SPDX-License-Identifier: Apache-2.0 */
#include "sse.h"

#include <stdio.h>
#include <string.h>

static int dispatch(struct sse *sse)
{
    int r = 0;

    if (sse->has_data)
        r = sse->on_event(sse->data, sse->event[0] ? sse->event : "message", sse->text.data,
                          sse->text.len);
    buf_clear(&sse->text);
    sse->has_data = false;
    sse->event[0] = '\0';
    return r;
}

static int add_data(struct sse *sse, const char *value, size_t len)
{
    int r = sse->has_data ? buf_add(&sse->text, "\n", 1) : 0;

    sse->has_data = true;
    return r < 0 ? r : buf_add(&sse->text, value, len);
}

static void take_id(struct sse *sse, const char *value, size_t len)
{
    if (len >= sizeof(sse->id) || memchr(value, '\0', len))
        return;
    memcpy(sse->id, value, len);
    sse->id[len] = '\0';
}

static void take_retry(struct sse *sse, const char *value, size_t len)
{
    uint32_t ms = 0;

    if (len == 0 || len > 9)
        return;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        ms = ms * 10 + (uint32_t)(value[i] - '0');
    }
    sse->retry_ms = ms;
}

static int take_line(void *data, const char *line, size_t len)
{
    struct sse *sse = data;
    const char *colon, *value;
    size_t name_len;

    if (!sse->began && len >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) { /* byte order mark */
        line += 3;
        len -= 3;
    }
    sse->began = true;
    if (len == 0)
        return dispatch(sse);

    colon = memchr(line, ':', len);
    name_len = colon ? (size_t)(colon - line) : len;
    value = colon ? colon + 1 : line + len;
    if (value < line + len && *value == ' ')
        value++;
    len -= (size_t)(value - line);
    if (name_len == 4 && !memcmp(line, "data", 4))
        return add_data(sse, value, len);
    if (name_len == 5 && !memcmp(line, "event", 5))
        (void)snprintf(sse->event, sizeof(sse->event), "%.*s",
                       (int)(len < SSE_EVENT_SIZE ? len : SSE_EVENT_SIZE), value);
    else if (name_len == 2 && !memcmp(line, "id", 2))
        take_id(sse, value, len);
    else if (name_len == 5 && !memcmp(line, "retry", 5))
        take_retry(sse, value, len);
    return 0; /* comments, and what nobody knows */
}

void sse_init(struct sse *sse, size_t max, sse_fn *on_event, void *data)
{
    *sse = (struct sse){ .on_event = on_event, .data = data };
    buf_init_in(&sse->text, sse->first, sizeof(sse->first), max);
    text_lines_init(&sse->lines, TEXT_LINES_ANY, max, take_line, sse);
}

void sse_done(struct sse *sse)
{
    text_lines_done(&sse->lines);
    buf_done(&sse->text);
}

int sse_feed(struct sse *sse, const void *piece, size_t len)
{
    return text_lines_feed(&sse->lines, piece, len);
}
