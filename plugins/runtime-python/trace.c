/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"
#include "cleanup.h"
#include "clock.h"
#include "member.h"

#include <string.h>

static const char full[] =
    "... [these are all the lines that a run may print (output_events), the rest is not shown]";

/* ---- texts ---- */

/* Bytes of at most `count` characters at the start of `text`. */
static size_t characters(const char *text, size_t len, size_t count)
{
    size_t i = 0;

    for (; i < len; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && count-- == 0)
            break;
    return i;
}

/* What a native library printed may be anything. */
static json_t *to_json(char *text, size_t len)
{
    json_t *json = json_stringn(text, len);

    if (json)
        return json;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
    return json_stringn(text, len);
}

/* The text up to its first NUL is what can be looked through for secrets, so a NUL
 * becomes a blank. */
static char *without_secrets(const struct ein_host *host, const char *text, size_t len)
{
    EIN_FREE char *copy = malloc(len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    for (char *nul = memchr(copy, '\0', len); nul;
         nul = memchr(nul, '\0', len - (size_t)(nul - copy)))
        *nul = ' ';

    char *clean = host->redact(copy);
    if (!clean)
        return NULL;
    char *ours = strdup(clean);
    host->mem_free(clean);
    return ours;
}

json_t *trace_text(const struct ein_host *host, const char *text, size_t len, uint64_t more)
{
    EIN_FREE char *clean = without_secrets(host, text, len);
    EIN_FREE char *marked = NULL;

    if (!clean)
        return json_string("");
    size_t clean_len = strlen(clean);
    size_t shown = characters(clean, clean_len, TRACE_TEXT_MAX);
    more += clean_len - shown;
    if (more == 0)
        return to_json(clean, clean_len);
    int marked_len = asprintf(&marked, "%.*s\n... [truncated, %llu more bytes]", (int)shown, clean,
                              (unsigned long long)more);
    if (marked_len < 0) {
        marked = NULL;
        return json_string("");
    }
    return to_json(marked, (size_t)marked_len);
}

/* ---- events ---- */

static json_t *now(void)
{
    char text[CLOCK_ISO_SIZE];

    clock_iso(text);
    return json_string(text);
}

static json_t *begin(const char *type, const struct speaker *who)
{
    json_t *event = json_object();

    json_object_set_new(event, "type", json_string(type));
    json_object_set_new(event, "ts", now());
    json_object_set_new(event, "agent_name", json_string(who->name));
    return event;
}

static void set_depth(json_t *event, unsigned depth)
{
    json_object_set_new(event, "depth", json_integer(depth));
}

static void emit(struct trace *trace, json_t *take_event, const char *source)
{
    EIN_JSON json_t *event = take_event;

    json_object_set_new(event, "source", json_string(source));
    trace->bytes_left -= (int64_t)json_dumpb(event, NULL, 0, JSON_COMPACT);
    if (trace->bytes_left < 0)
        trace->full = true;
    if (trace->sink && !trace->stopped && trace->sink(event, trace->data) != 0)
        trace->stopped = true;
}

void trace_start(struct trace *trace, const struct speaker *who)
{
    json_t *event = begin("agent_start", who);

    json_object_set_new(event, "agent_id", who->id ? json_string(who->id) : json_null());
    set_depth(event, who->depth);
    json_object_set_new(event, "called_by", json_null());
    emit(trace, event, "system");
}

/* Counts a line; NULL when it is not to be shown. */
static json_t *begin_line(struct trace *trace, const char *type, const struct speaker *who)
{
    if (trace->muted || trace->full || trace->lines_left == 0)
        return NULL;
    json_t *event = begin(type, who);
    set_depth(event, who->depth + 1);
    return event;
}

/* A line of ours among those of the agent. */
static void say(struct trace *trace, const struct speaker *who, json_t *take_text)
{
    json_t *event = begin("stdout", who);

    set_depth(event, who->depth + 1);
    json_object_set_new(event, "message", take_text);
    emit(trace, event, "stdout");
}

static void count_line(struct trace *trace, const struct speaker *who)
{
    if (--trace->lines_left == 0)
        say(trace, who, json_string(full));
}

void trace_lost(struct trace *trace, const struct speaker *who, uint64_t bytes)
{
    if (bytes && !trace->muted)
        say(trace, who,
            json_sprintf("... [%llu more bytes were written past sys.stdout than are kept "
                         "(raw_output_kb)]",
                         (unsigned long long)bytes));
}

void trace_stdout(struct trace *trace, const struct speaker *who, const char *text, size_t len,
                  uint64_t more)
{
    json_t *event = begin_line(trace, "stdout", who);

    if (!event)
        return;
    json_object_set_new(event, "message", trace_text(trace->host, text, len, more));
    emit(trace, event, "stdout");
    count_line(trace, who);
}

void trace_log(struct trace *trace, const struct speaker *who, const char *level,
               const char *logger, const char *text, size_t len, uint64_t more)
{
    json_t *event = begin_line(trace, "log", who);

    if (!event)
        return;
    json_object_set_new(event, "level", trace_text(trace->host, level, strlen(level), 0));
    json_object_set_new(event, "logger", trace_text(trace->host, logger, strlen(logger), 0));
    json_object_set_new(event, "message", trace_text(trace->host, text, len, more));
    emit(trace, event, "log");
    count_line(trace, who);
}

static void copy(json_t *event, const char *name, const json_t *entry, const char *from)
{
    json_object_set(event, name, or_null(entry, from));
}

void trace_data_store(struct trace *trace, const struct speaker *who, const struct json_t *entry)
{
    json_t *event = begin("data_store", who);

    set_depth(event, who->depth + 1);
    copy(event, "operation", entry, "op");
    copy(event, "namespace", entry, "namespace");
    copy(event, "key", entry, "key");
    copy(event, "found", entry, "found");
    copy(event, "count", entry, "count");
    emit(trace, event, "system");
}

void trace_llm(struct trace *trace, const struct speaker *who, const struct trace_llm_call *about)
{
    const struct ein_host *host = trace->host;
    json_t *event = begin("llm_call", who);

    set_depth(event, who->depth + 1);
    json_object_set_new(event, "provider",
                        trace_text(host, about->provider, strlen(about->provider), 0));
    json_object_set_new(event, "model", trace_text(host, about->model, strlen(about->model), 0));
    json_object_set_new(event, "input_tokens", json_integer((json_int_t)about->input_tokens));
    json_object_set_new(event, "output_tokens", json_integer((json_int_t)about->output_tokens));
    json_object_set_new(event, "duration_ms", json_integer(about->duration_ms));
    json_object_set_new(event, "cost_usd", json_real((double)about->cost / 1e9));
    json_object_set_new(event, "error",
                        about->error ? trace_text(host, about->error, strlen(about->error), 0)
                                     : json_null());
    emit(trace, event, "system");
}

void trace_error(struct trace *trace, const struct speaker *who, const char *type,
                 const char *message, const char *traceback)
{
    json_t *event = begin("error", who);

    set_depth(event, who->depth + 1);
    json_object_set_new(event, "exception_type", trace_text(trace->host, type, strlen(type), 0));
    json_object_set_new(event, "message", trace_text(trace->host, message, strlen(message), 0));
    json_object_set_new(event, "traceback",
                        trace_text(trace->host, traceback, strlen(traceback), 0));
    emit(trace, event, "system");
}

void trace_end(struct trace *trace, const struct speaker *who, int64_t duration_ms, bool success)
{
    json_t *event = begin("agent_end", who);

    set_depth(event, who->depth);
    json_object_set_new(event, "duration_ms", json_integer(duration_ms));
    json_object_set_new(event, "outcome", json_string(success ? "success" : "error"));
    json_object_set_new(event, "result_preview", json_null());
    emit(trace, event, "system");
}
