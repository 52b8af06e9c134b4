/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is told.  The words stand in the tables below, in the order in which they are
 * said; the functions only put lists between them. */
#include "prompt.h"
#include "buf.h"

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

/* ---- lists ---- */

struct writing {
    const struct ein_host *host;
    struct buf *out;
};

static void write_json(const struct writing *writing, const char *before, const json_t *value)
{
    size_t len;
    char *text = value && !json_is_null(value) ? writing->host->json_text(value, &len) : NULL;

    if (text)
        (void)buf_printf(writing->out, "%s%s", before, text);
    writing->host->mem_free(text);
}

/* " - " and its text on one line. */
static void write_about(const struct writing *writing, const char *text)
{
    if (!*text)
        return;
    (void)buf_text(writing->out, " - ");
    for (; *text; text++)
        (void)buf_char(writing->out, *text == '\n' || *text == '\r' ? ' ' : *text);
}

static void write_model(const struct writing *writing, const json_t *model)
{
    const json_t *entry = json_object_get(model, "entry"), *tool;
    size_t i;

    (void)buf_printf(writing->out, "- provider \"%s\", model \"%s\"",
                     text_or_empty(model, "provider"), text_or_empty(model, "model"));
    if (json_object_size(json_object_get(model, "parameters")))
        write_json(writing, "; call it with parameters=", json_object_get(model, "parameters"));
    if (*text_or_empty(model, "builtInTool"))
        (void)buf_printf(writing->out, "; call it with tools=[\"%s\"]",
                         text_or_empty(model, "builtInTool"));
    write_json(writing, "; context window: ", json_object_get(entry, "context_window"));
    json_array_foreach(json_object_get(entry, "built_in_tools"), i, tool)
    {
        (void)buf_printf(writing->out, "\n  - built-in tool \"%s\"", text_or_empty(tool, "id"));
        write_about(writing, text_or_empty(tool, "description"));
    }
    (void)buf_char(writing->out, '\n');
}

static void write_server(const struct writing *writing, const json_t *server)
{
    const json_t *tool;
    size_t i;

    (void)buf_printf(writing->out, "- server %s\n", text_or_empty(server, "url"));
    json_array_foreach(json_object_get(server, "tools"), i, tool)
    {
        (void)buf_printf(writing->out, "  - tool \"%s\"", text_or_empty(tool, "name"));
        write_about(writing, text_or_empty(tool, "description"));
        write_json(writing, "\n    arguments: ", json_object_get(tool, "inputSchema"));
        write_json(writing, "\n    structuredContent: ", json_object_get(tool, "outputSchema"));
        (void)buf_char(writing->out, '\n');
    }
}

static void write_operation(const struct writing *writing, const json_t *operation)
{
    const json_t *body = json_object_get(operation, "body");
    const json_t *response = json_object_get(operation, "response");
    const char *summary = text_or_empty(operation, "summary");

    (void)buf_printf(writing->out, "  - %s %s%s", text_or_empty(operation, "method"),
                     text_or_empty(operation, "server"), text_or_empty(operation, "path"));
    write_about(writing, *summary ? summary : text_or_empty(operation, "description"));
    if (json_object_size(json_object_get(json_object_get(operation, "parameters"), "properties")))
        write_json(writing, "\n    parameters: ", json_object_get(operation, "parameters"));
    if (json_is_object(body)) {
        (void)buf_printf(writing->out, "\n    body (%s)", text_or_empty(body, "contentType"));
        write_json(writing, ": ", json_object_get(body, "schema"));
    }
    if (json_is_object(response)) {
        (void)buf_printf(writing->out, "\n    answers %s (%s)", text_or_empty(response, "status"),
                         text_or_empty(response, "contentType"));
        write_json(writing, ": ", json_object_get(response, "schema"));
    }
    if (json_array_size(json_object_get(operation, "security")))
        write_json(writing, "\n    needs one of: ", json_object_get(operation, "security"));
    (void)buf_char(writing->out, '\n');
}

static void write_spec(const struct writing *writing, const json_t *spec)
{
    const json_t *operation;
    size_t i;

    (void)buf_printf(writing->out, "- API %s\n", text_or_empty(spec, "name"));
    json_array_foreach(json_object_get(spec, "operations"), i, operation)
        write_operation(writing, operation);
}

static void write_agent(const struct writing *writing, const json_t *agent)
{
    (void)buf_printf(writing->out, "- agent \"%s\"", text_or_empty(agent, "name"));
    write_about(writing, text_or_empty(agent, "description"));
    write_json(writing, "\n  input: ", json_object_get(agent, "inputSchema"));
    write_json(writing, "\n  returns: ", json_object_get(agent, "outputSchema"));
    (void)buf_char(writing->out, '\n');
}

static void write_namespace(const struct writing *writing, const json_t *space)
{
    const char *access = text_or_empty(space, "access");

    (void)buf_printf(writing->out, "- namespace \"%s\", %s", text_or_empty(space, "namespace"),
                     strcmp(access, "both") == 0 ? "read and write" : access);
    write_about(writing, text_or_empty(space, "description"));
    (void)buf_char(writing->out, '\n');
}

static void write_host(const struct writing *writing, const json_t *host)
{
    (void)buf_printf(writing->out, "- %s\n", json_string_value(host));
}

/* ---- connectors ---- */

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

    (void)buf_text(writing->out, rules);
    for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
        const json_t *items = json_object_get(declared, sections[s].kind);

        if (json_array_size(items) == 0)
            continue;
        (void)buf_text(writing->out, sections[s].words);
        json_array_foreach((json_t *)items, i, item) sections[s].write(writing, item);
    }
    if (json_is_null(json_object_get(declared, "namespaces")))
        (void)buf_text(writing->out, any_namespace);
    (void)buf_text(writing->out, form);
}

/* ---- the task ---- */

static void write_fields(const struct writing *writing, const char *title, const json_t *fields,
                         const char *none)
{
    const char *field;
    json_t *type;

    (void)buf_printf(writing->out, "\n# %s\n", title);
    json_object_foreach((json_t *)fields, field, type)
    {
        const char *name = json_string_value(type);
        (void)buf_printf(writing->out, "- \"%s\": %s\n", field, name ? name : "json");
    }
    if (json_object_size(fields) == 0)
        (void)buf_text(writing->out, none);
}

static void write_task(const struct writing *writing, const json_t *body)
{
    (void)buf_printf(writing->out, "# The agent\n%s\n", text_or_empty(body, "description"));
    write_fields(writing, "Fields of input_dict", json_object_get(body, "inputSchema"),
                 "It is empty.\n");
    write_fields(writing, "run() returns a dict with exactly these fields",
                 json_object_get(body, "outputSchema"), "Any JSON value will do.\n");
}

/* ---- messages ---- */

static int add(struct composing *composing, const char *role, const char *text)
{
    json_t *message = json_pack("{s:s, s:s}", "role", role, "content", text);

    return json_array_append_new(composing->messages, message) < 0 ? EIN_E_NO_MEMORY : 0;
}

int prompt_begin(struct composing *composing, size_t *ret_len)
{
    EIN_BUF struct buf system = BUF_INIT;
    EIN_BUF struct buf task = BUF_INIT;
    int r;

    write_rules(&(struct writing){ composing->composer->host, &system }, composing->declared);
    write_task(&(struct writing){ composing->composer->host, &task }, composing->body);
    composing->messages = json_array();
    *ret_len = system.len + task.len;
    if (system.error || task.error)
        return EIN_E_NO_MEMORY;
    if (*ret_len > composing->composer->prompt_max)
        return EIN_E_TOO_LARGE;
    r = add(composing, "system", system.data);
    return r < 0 ? r : add(composing, "user", task.data);
}

int prompt_repair(struct composing *composing, const json_t *faults)
{
    EIN_BUF struct buf text = BUF_INIT;
    const json_t *fault;
    size_t i;

    (void)buf_text(&text, "Your agent was tried, and this is wrong with it:\n");
    json_array_foreach((json_t *)faults, i, fault)
    {
        (void)buf_printf(&text, "- %s\n", json_string_value(fault));
    }
    (void)buf_text(&text, "\nWrite it again, whole, in the same form, without these mistakes.\n");
    if (text.error)
        return text.error;
    if (add(composing, "assistant", *composing->answer ? composing->answer : "(nothing)") < 0)
        return EIN_E_NO_MEMORY;
    return add(composing, "user", text.data);
}
