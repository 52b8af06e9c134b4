/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include "buf.h"
#include "cleanup.h"
#include "percent.h"
#include "str.h"
#include <einion/plugin.h>
#include <string.h>

/* What the model is told, a section after the other. */
static const struct {
    const char *title, *text;
} sections[] = {
    { "Task",
      "You write a small web page that shows what some HTTP APIs can do. Somebody describes "
      "the page; you are given the APIs. The page is for people who have never seen the "
      "APIs: it says in a sentence what it does, has a control for every input, and shows "
      "results so that they can be read." },
    { "Answer", "One JSON object and nothing round it:\n"
                "{\"html\": \"...\", \"css\": \"...\", \"js\": \"...\"}\n"
                "html is what stands inside <body>, without <html>, <head>, <body>, <style> and "
                "<script>. css is the style sheet. js is one script, run once when the html is "
                "there. Each is a JSON string: line breaks are \\n, quotes are \\\". No other "
                "members, no comment, no Markdown." },
    { "Calling an API",
      "POST to its url with fetch(), with the header Content-Type: "
      "application/json; the body is a JSON object with the members of its "
      "input. The answer is JSON with the members of its output. A status other "
      "than 200 comes with {\"detail\": \"a sentence\"}: show that sentence. Call "
      "no API but those that are listed, and call none before somebody has asked "
      "for it." },
    { "Where it runs",
      "A sandboxed frame without an origin. There are no cookies, no localStorage, "
      "no alert(), no windows, no other pages. Nothing is loaded from the network: "
      "no libraries, fonts or images but data: URLs. Handlers are added with addEventListener(); "
      "on... attributes, javascript: links and eval() do not work. A form is handled in its submit "
      "event, which calls preventDefault(). Use plain JavaScript and the DOM." },
    { "Manners", "While a call runs, say so and disable the button that made it. Put text into the "
                 "page with textContent, never with innerHTML. Every control has a label. The page "
                 "works on a small screen, and by keyboard alone." },
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static const char no_apis[] = "There is none: the page calls nothing.";

static json_t *instructions(void)
{
    EIN_BUF struct buf text = BUF_INIT;

    for (size_t i = 0; i < SECTIONS; i++)
        (void)buf_printf(&text, "## %s\n%s\n\n", sections[i].title, sections[i].text);
    return text.error ? NULL : json_string(text.data);
}

/* ---- the APIs ---- */

static json_t *described(const json_t *api, const char *origin)
{
    const char *name = json_string_value(json_object_get(api, "friendlyName"));
    EIN_FREE char *segment = percent_encode(name, "");
    EIN_FREE char *url = segment ? str_print("%s/rest/%s", origin, segment) : NULL;

    if (!url)
        return NULL;
    return json_pack("{s:s, s:s, s:O, s:O?, s:O?}", "name", name, "url", url, "description",
                     json_object_get(api, "description"), "input",
                     json_object_get(api, "inputSchema"), "output",
                     json_object_get(api, "outputSchema"));
}

static char *apis_text(const json_t *apis, const char *origin)
{
    EIN_JSON json_t *list = json_array();
    const json_t *api;
    size_t i;

    json_array_foreach(apis, i, api)
    {
        if (json_array_append_new(list, described(api, origin)) < 0)
            return NULL;
    }
    return json_array_size(list) ? json_dumps(list, JSON_INDENT(1)) : strdup(no_apis);
}

/* ---- messages ---- */

json_t *prompt_messages(const json_t *body, const char *origin)
{
    EIN_FREE char *apis = apis_text(json_object_get(body, "selectedApis"), origin);
    json_t *system = instructions();
    const char *wanted = json_string_value(json_object_get(body, "userPrompt"));

    if (!apis || !system) {
        json_decref(system);
        return NULL;
    }
    return json_pack("[{s:s, s:o}, {s:s, s:o}]", "role", "system", "content", system, "role",
                     "user", "content",
                     json_sprintf("## The page\n%s\n\n## The APIs\n%s\n", wanted, apis));
}

int prompt_repair(json_t *messages, const char *answer, const char *fault)
{
    json_t *said = json_pack("{s:s, s:s}", "role", "assistant", "content", *answer ? answer : " ");
    json_t *wrong = json_pack("{s:s, s:o}", "role", "user", "content",
                              json_sprintf("This answer cannot be used. %s Send the whole JSON "
                                           "object again, right, and nothing else.",
                                           fault));

    if (json_array_append_new(messages, said) < 0 || json_array_append_new(messages, wrong) < 0)
        return EIN_E_NO_MEMORY;
    return 0;
}
