/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is told.  The words stand in the tables below, in the order in which they are
 * said; the functions only put lists between them. */
#include "prompt.h"
#include "cleanup.h"

#include <stdio.h>
#include <string.h>

static const char rules[] =
    "You write one agent: a piece of Python 3 that a server runs in a sandbox of its own. It has "
    "no "
    "network, no files and no other programs. All that it reaches are the connectors that are "
    "described below; what is not described there does not exist for it, and a call of it fails.\n"
    "\n"
    "# The code\n"
    "- The entry is `async def run(input_dict, tools)`. `input_dict` holds the fields of the "
    "input; "
    "what run() returns is the agent's result. `tools` can be ignored.\n"
    "- Functions, classes, constants and imports may stand at the top level.\n"
    "- The standard library may be imported as far as it needs neither network nor processes. No "
    "other packages.\n"
    "- These names are there without an import: asyncio, re, json, httpx, http_client, "
    "gofannon_client, data_store, RemoteMCPClient, call_llm, get_context_window, count_tokens.\n"
    "- Do not use eval(), exec() or compile(). Do not catch an exception only to hide it: an agent "
    "that cannot do its work raises an exception with a clear sentence.\n"
    "- Write names of servers, tools, models, agents and addresses as literals, where they are "
    "called or as constants, so that a reader sees what the agent calls.\n"
    "- What may take time and does not depend on each other is awaited with asyncio.gather().\n";

static const char form[] =
    "\n# Your answer\n"
    "Exactly these three parts, and not a word besides:\n"
    "\n"
    "NAME: a_name_in_snake_case_of_at_most_40_characters\n"
    "DOCSTRING:\n"
    "One to five lines: what the agent does, which input it takes, what it returns.\n"
    "CODE:\n"
    "```python\n"
    "the whole code\n"
    "```\n";

/* ---- lists ---------------------------------------------------------------------------- */

struct writing {
    const struct ein_host *host;
    FILE *out;
};

static void write_json(const struct writing *writing, const char *before, const json_t *value)
{
    size_t len;
    char *text = value && !json_is_null(value) ? writing->host->json_text(value, &len) : NULL;

    if (text)
        (void)fprintf(writing->out, "%s%s", before, text);
    writing->host->mem_free(text);
}

/* " - " and its text on one line. */
static void write_about(const struct writing *writing, const char *text)
{
    if (!*text)
        return;
    (void)fputs(" - ", writing->out);
    for (; *text; text++)
        (void)fputc(*text == '\n' || *text == '\r' ? ' ' : *text, writing->out);
}

static void write_model(const struct writing *writing, const json_t *model)
{
    const json_t *entry = json_object_get(model, "entry"), *tool;
    size_t i;

    (void)fprintf(writing->out, "- provider \"%s\", model \"%s\"", text_or_empty(model, "provider"),
                  text_or_empty(model, "model"));
    if (json_object_size(json_object_get(model, "parameters")))
        write_json(writing, "; call it with parameters=", json_object_get(model, "parameters"));
    if (*text_or_empty(model, "builtInTool"))
        (void)fprintf(writing->out, "; call it with tools=[\"%s\"]",
                      text_or_empty(model, "builtInTool"));
    write_json(writing, "; context window: ", json_object_get(entry, "context_window"));
    json_array_foreach(json_object_get(entry, "built_in_tools"), i, tool)
    {
        (void)fprintf(writing->out, "\n  - built-in tool \"%s\"", text_or_empty(tool, "id"));
        write_about(writing, text_or_empty(tool, "description"));
    }
    (void)fputc('\n', writing->out);
}

static void write_server(const struct writing *writing, const json_t *server)
{
    const json_t *tool;
    size_t i;

    (void)fprintf(writing->out, "- server %s\n", text_or_empty(server, "url"));
    json_array_foreach(json_object_get(server, "tools"), i, tool)
    {
        (void)fprintf(writing->out, "  - tool \"%s\"", text_or_empty(tool, "name"));
        write_about(writing, text_or_empty(tool, "description"));
        write_json(writing, "\n    arguments: ", json_object_get(tool, "inputSchema"));
        write_json(writing, "\n    structuredContent: ", json_object_get(tool, "outputSchema"));
        (void)fputc('\n', writing->out);
    }
}

static void write_operation(const struct writing *writing, const json_t *operation)
{
    const json_t *body = json_object_get(operation, "body");
    const json_t *response = json_object_get(operation, "response");
    const char *summary = text_or_empty(operation, "summary");

    (void)fprintf(writing->out, "  - %s %s%s", text_or_empty(operation, "method"),
                  text_or_empty(operation, "server"), text_or_empty(operation, "path"));
    write_about(writing, *summary ? summary : text_or_empty(operation, "description"));
    if (json_object_size(json_object_get(json_object_get(operation, "parameters"), "properties")))
        write_json(writing, "\n    parameters: ", json_object_get(operation, "parameters"));
    if (json_is_object(body)) {
        (void)fprintf(writing->out, "\n    body (%s)", text_or_empty(body, "contentType"));
        write_json(writing, ": ", json_object_get(body, "schema"));
    }
    if (json_is_object(response)) {
        (void)fprintf(writing->out, "\n    answers %s (%s)", text_or_empty(response, "status"),
                      text_or_empty(response, "contentType"));
        write_json(writing, ": ", json_object_get(response, "schema"));
    }
    if (json_array_size(json_object_get(operation, "security")))
        write_json(writing, "\n    needs one of: ", json_object_get(operation, "security"));
    (void)fputc('\n', writing->out);
}

static void write_spec(const struct writing *writing, const json_t *spec)
{
    const json_t *operation;
    size_t i;

    (void)fprintf(writing->out, "- API %s\n", text_or_empty(spec, "name"));
    json_array_foreach(json_object_get(spec, "operations"), i, operation)
        write_operation(writing, operation);
}

static void write_agent(const struct writing *writing, const json_t *agent)
{
    (void)fprintf(writing->out, "- agent \"%s\"", text_or_empty(agent, "name"));
    write_about(writing, text_or_empty(agent, "description"));
    write_json(writing, "\n  input: ", json_object_get(agent, "inputSchema"));
    write_json(writing, "\n  returns: ", json_object_get(agent, "outputSchema"));
    (void)fputc('\n', writing->out);
}

static void write_namespace(const struct writing *writing, const json_t *space)
{
    const char *access = text_or_empty(space, "access");

    (void)fprintf(writing->out, "- namespace \"%s\", %s", text_or_empty(space, "namespace"),
                  strcmp(access, "both") == 0 ? "read and write" : access);
    write_about(writing, text_or_empty(space, "description"));
    (void)fputc('\n', writing->out);
}

static void write_host(const struct writing *writing, const json_t *host)
{
    (void)fprintf(writing->out, "- %s\n", json_string_value(host));
}

/* ---- connectors -------------------------------------------------------------------------- */

/* Each is described where something of it is declared. */
static const struct section {
    const char *kind; /* of what is declared */
    const char *words;
    void (*write)(const struct writing *writing, const json_t *item);
} sections[] = {
    { "models",
      "\n# Models\n"
      "`content, thoughts = await call_llm(provider=..., model=..., messages=[{\"role\": \"user\", "
      "\"content\": text}], parameters={})`: content is text. Ask for JSON in the message and read "
      "it "
      "with json.loads() where you need fields; remove a Markdown fence around it first. Only "
      "these "
      "models:\n",
      write_model },
    { "servers",
      "\n# MCP servers\n"
      "`client = RemoteMCPClient(remote_url=URL)`, then `result = await client.call(\"tool\", "
      "argument=value)`. `result.content` is a list of parts, of which those with `part.type == "
      "\"text\"` have a `part.text`; where structuredContent is described below, "
      "`result.structuredContent` is a dict that fits it, else None. A tool that fails raises an "
      "exception. Only these servers and tools, whose arguments are JSON Schemas:\n",
      write_server },
    { "specs",
      "\n# HTTP APIs\n"
      "`response = await http_client.get(url, params={}, headers={})`, or post, put, patch, delete "
      "with json=; then response.status_code, response.json(), response.text, "
      "response.raise_for_status(). Only these operations; {name} in a path is a parameter whose "
      "\"x-in\" is path:\n",
      write_spec },
    { "hosts",
      "\n# Other hosts\n"
      "http_client may also ask these:\n",
      write_host },
    { "agents",
      "\n# Other agents\n"
      "`result = await gofannon_client.call(\"name\", {field: value})`. Only these:\n",
      write_agent },
    { "namespaces",
      "\n# Data store\n"
      "Keeps JSON of the user between runs, and is not awaited: `store = "
      "data_store.use_namespace(\"name\")`, then store.get(key, default), store.set(key, value), "
      "store.delete(key), store.list_keys(prefix), store.get_all(). Only these namespaces; * "
      "stands for any end of a name:\n",
      write_namespace },
};

static const char any_namespace[] =
    "\n# Data store\n"
    "Where the task needs something to be remembered between runs: `store = "
    "data_store.use_namespace(\"name\")` (not awaited), then store.get(key, default), "
    "store.set(key, "
    "value), store.delete(key), store.list_keys(prefix).\n";

static void write_rules(const struct writing *writing, const json_t *declared)
{
    const json_t *item;
    size_t i;

    (void)fputs(rules, writing->out);
    for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
        const json_t *items = json_object_get(declared, sections[s].kind);

        if (json_array_size(items) == 0)
            continue;
        (void)fputs(sections[s].words, writing->out);
        json_array_foreach((json_t *)items, i, item) sections[s].write(writing, item);
    }
    if (json_is_null(json_object_get(declared, "namespaces")))
        (void)fputs(any_namespace, writing->out);
    (void)fputs(form, writing->out);
}

/* ---- the task ------------------------------------------------------------------------------ */

static void write_fields(const struct writing *writing, const char *title, const json_t *fields,
                         const char *none)
{
    const char *field;
    json_t *type;

    (void)fprintf(writing->out, "\n# %s\n", title);
    json_object_foreach((json_t *)fields, field, type)
    {
        const char *name = json_string_value(type);
        (void)fprintf(writing->out, "- \"%s\": %s\n", field, name ? name : "json");
    }
    if (json_object_size(fields) == 0)
        (void)fputs(none, writing->out);
}

static void write_task(const struct writing *writing, const json_t *body)
{
    (void)fprintf(writing->out, "# The agent\n%s\n", text_or_empty(body, "description"));
    write_fields(writing, "Fields of input_dict", json_object_get(body, "inputSchema"),
                 "It is empty.\n");
    write_fields(writing, "run() returns a dict with exactly these fields",
                 json_object_get(body, "outputSchema"), "Any JSON value will do.\n");
}

/* ---- messages -------------------------------------------------------------------------------- */

static int add(struct composing *composing, const char *role, const char *text)
{
    json_t *message = json_pack("{s:s, s:s}", "role", role, "content", text);

    return json_array_append_new(composing->messages, message) < 0 ? EIN_E_NO_MEMORY : 0;
}

int prompt_begin(struct composing *composing, size_t *ret_len)
{
    EIN_FREE char *system = NULL;
    EIN_FREE char *task = NULL;
    size_t system_len = 0, task_len = 0;
    struct writing to_system = { composing->composer->host, open_memstream(&system, &system_len) };
    struct writing to_task = { composing->composer->host, open_memstream(&task, &task_len) };
    int r = to_system.out && to_task.out ? 0 : EIN_E_NO_MEMORY;

    if (r == 0) {
        write_rules(&to_system, composing->declared);
        write_task(&to_task, composing->body);
    }
    if (to_system.out && fclose(to_system.out) != 0)
        r = EIN_E_NO_MEMORY;
    if (to_task.out && fclose(to_task.out) != 0)
        r = EIN_E_NO_MEMORY;
    *ret_len = system_len + task_len;
    if (r == 0 && *ret_len > composing->composer->prompt_max)
        r = EIN_E_TOO_LARGE;
    composing->messages = json_array();
    if (r == 0)
        r = add(composing, "system", system);
    return r < 0 ? r : add(composing, "user", task);
}

int prompt_repair(struct composing *composing, const json_t *faults)
{
    EIN_FREE char *text = NULL;
    const json_t *fault;
    size_t len, i;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return EIN_E_NO_MEMORY;
    (void)fputs("Your agent was tried, and this is wrong with it:\n", out);
    json_array_foreach((json_t *)faults, i, fault)(void)
        fprintf(out, "- %s\n", json_string_value(fault));
    (void)fputs("\nWrite it again, whole, in the same form, without these mistakes.\n", out);
    if (fclose(out) != 0)
        return EIN_E_NO_MEMORY;
    if (add(composing, "assistant", *composing->answer ? composing->answer : "(nothing)") < 0)
        return EIN_E_NO_MEMORY;
    return add(composing, "user", text);
}
