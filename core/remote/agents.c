/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "agent_folder.h"
#include "cleanup.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <stdio.h>
#include <string.h>

/* What happened, for people on stdout, or AGENT for scripts. */
static int tell(const struct session *session, const char *what, const json_t *agent)
{
    if (session->options->json)
        print_json(stdout, agent);
    else
        print_line("%s %s (%s)", what, text_of(agent, "name"), text_of(agent, "_id"));
    return REMOTE_OK;
}

/* An answer that lacks what every agent has is not einion's. */
static bool is_agent(const json_t *agent)
{
    return text_of(agent, "_id") && text_of(agent, "_rev") && text_of(agent, "name") &&
           text_of(agent, "code");
}

int agents_list(struct session *session, char **words)
{
    static const struct print_column columns[] = {
        { "ID", "_id" },
        { "NAME", "name" },
        { "CALLED", "friendlyName" },
        { "CHANGED", "updatedAt" },
        { "DESCRIPTION", "description" },
        { 0 },
    };
    EIN_JSON json_t *agents = NULL;
    int status = session_get(session, &agents, "/agents");

    (void)words;
    if (status == REMOTE_OK)
        print_list(stdout, session->options->json, agents, columns);
    return status;
}

/* ---- which one ---- */

/* Of the AGENTS the one whose id is NAME, or those that are called so: how many, and the last. */
static size_t match(const json_t *agents, const char *name, json_t **ret_agent)
{
    size_t count = 0, i;
    json_t *agent;

    json_array_foreach(agents, i, agent)
    {
        bool is_it = is_agent(agent) && str_eq(text_of(agent, "_id"), name);

        if (!is_it && (!is_agent(agent) || (!str_eq(text_of(agent, "friendlyName"), name) &&
                                            !str_eq(text_of(agent, "name"), name))))
            continue;
        *ret_agent = agent;
        count++;
        if (is_it)
            return 1;
    }
    return count;
}

int agents_find(const struct session *session, const char *name, bool quiet, json_t **ret_agent)
{
    EIN_JSON json_t *agents = NULL;
    json_t *agent = NULL;
    int status = session_get(session, &agents, "/agents");

    if (status != REMOTE_OK)
        return status;
    size_t count = match(agents, name, &agent);
    if (count > 1)
        return print_failure(REMOTE_FAILED, "%zu agents are called '%s': say which by its id",
                             count, name);
    if (count == 0 && !quiet)
        return print_failure(REMOTE_FAILED, "there is no agent '%s'", name);
    *ret_agent = json_incref(agent);
    return REMOTE_OK;
}

/* METHOD of /agents/ID, and what follows it. */
static int call_agent(const struct session *session, const json_t *agent, const char *method,
                      const char *rest, json_t **ret_reply)
{
    EIN_FREE char *path = session_path("agents", text_of(agent, "_id"), rest);
    struct call call = { .method = method, .path = path };
    int status = session_call(session, &call);

    *ret_reply = call.reply;
    return status;
}

static int take_down(struct session *session, const char *name, const char *rest, const char *done)
{
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *reply = NULL;
    int status = agents_find(session, name, false, &agent);

    if (status == REMOTE_OK)
        status = call_agent(session, agent, "DELETE", rest, &reply);
    return status == REMOTE_OK ? tell(session, done, agent) : status;
}

int agents_delete(struct session *session, char **words)
{
    return take_down(session, words[0], "", "deleted");
}

int agents_undeploy(struct session *session, char **words)
{
    return take_down(session, words[0], "/undeploy", "undeployed");
}

int agents_deploy(struct session *session, char **words)
{
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *reply = NULL;
    int status = agents_find(session, words[0], false, &agent);

    if (status == REMOTE_OK && !text_of(agent, "friendlyName"))
        return print_failure(REMOTE_FAILED,
                             "'%s' has no name to be called by: give it a \"friendlyName\" in its "
                             "agent.json, such as \"my_agent\", and push it",
                             words[0]);
    if (status == REMOTE_OK)
        status = call_agent(session, agent, "POST", "/deploy", &reply);
    if (status != REMOTE_OK)
        return status;
    if (session->options->json)
        print_json(stdout, reply);
    else
        print_line("deployed as %s%s", session->url, text_or_empty(reply, "endpoint"));
    return status;
}

/* ---- pull ---- */

static int refuse_pull(const char *folder)
{
    return print_failure(REMOTE_CONFLICT,
                         "%s holds what was not pulled: push it, or --force writes over it",
                         folder);
}

static int pull(struct session *session, const char *folder, const json_t *agent)
{
    EIN_JSON json_t *known = NULL;
    struct ein_error err;
    int r = agent_folder_known(folder, session->url, &known, &err);

    if (r == 0)
        r = agent_folder_is_changed(folder, known, &err);
    if (r > 0 && !session->options->force)
        return refuse_pull(folder);
    if (r >= 0)
        r = agent_folder_write(folder, agent, &err);
    if (r >= 0)
        r = agent_folder_note(folder, session->url, agent, &err);
    return r < 0 ? print_failure(REMOTE_FAILED, "%s", err.text) : REMOTE_OK;
}

int agents_pull(struct session *session, char **words)
{
    EIN_JSON json_t *agent = NULL;
    EIN_FREE char *folder = NULL;
    EIN_FREE char *what = NULL;
    int status = agents_find(session, words[0], false, &agent);

    if (status != REMOTE_OK)
        return status;
    folder = words[1] ? strdup(words[1]) : agent_folder_name(agent);
    what = folder ? str_print("pulled into %s:", folder) : NULL;
    if (!what)
        return print_failure(REMOTE_FAILED, "no memory");
    status = pull(session, folder, agent);
    return status == REMOTE_OK ? tell(session, what, agent) : status;
}

/* ---- push ---- */

/* An agent that another has made under this name is not written over by chance. */
static int check_new(const struct session *session, const char *folder, const json_t *agent)
{
    const char *called = text_of(agent, "friendlyName");
    const char *name = called ? called : text_of(agent, "name");
    EIN_JSON json_t *there = NULL;
    int status = name ? agents_find(session, name, true, &there) : REMOTE_OK;

    if (status != REMOTE_OK || !there || session->options->force)
        return status;
    return print_failure(REMOTE_CONFLICT,
                         "there is an agent '%s' that %s was not pulled from: pull it into another "
                         "folder, or --force makes a second one",
                         name, folder);
}

static int push_new(const struct session *session, const char *folder, const json_t *agent,
                    json_t **ret_agent)
{
    struct call call = { .method = "POST", .path = "/agents", .body = agent };
    int status = check_new(session, folder, agent);

    if (status == REMOTE_OK)
        status = session_call(session, &call);
    *ret_agent = call.reply;
    return status;
}

static int push_changed(const struct session *session, const char *folder, const json_t *known,
                        const json_t *agent, json_t **ret_agent)
{
    EIN_FREE char *path = session_path("agents", text_of(known, "id"), "");
    struct call call = { .method = "PUT",
                         .path = path,
                         .body = agent,
                         .if_match = session->options->force ? NULL : text_of(known, "revision") };

    (void)session_send(session, &call);
    *ret_agent = call.reply;
    if (call.status == 200)
        return REMOTE_OK;
    if (call.status == 412 || call.status == 409)
        return print_failure(REMOTE_CONFLICT,
                             "the agent of %s has been changed on %s since it was pulled: pull it "
                             "into another folder and compare, or --force writes over it",
                             folder, session->url);
    if (call.status == 404)
        return print_failure(REMOTE_CONFLICT,
                             "the agent of %s is gone from %s: without %s/.einion.json it is made "
                             "anew",
                             folder, session->url, folder);
    return session_fail(session, &call);
}

int agents_push(struct session *session, char **words)
{
    const char *folder = words[0] ? words[0] : ".";
    EIN_JSON json_t *agent = NULL;
    EIN_JSON json_t *known = NULL;
    EIN_JSON json_t *there = NULL;
    struct ein_error err;
    int r = agent_folder_read(folder, &agent, &err), status;

    if (r == 0)
        r = agent_folder_known(folder, session->url, &known, &err);
    if (r < 0)
        return print_failure(REMOTE_USAGE, "%s", err.text);
    status = known ? push_changed(session, folder, known, agent, &there)
                   : push_new(session, folder, agent, &there);
    if (status != REMOTE_OK)
        return status;
    if (!is_agent(there))
        return print_failure(REMOTE_FAILED, "%s does not answer as einion does", session->url);
    if (agent_folder_note(folder, session->url, there, &err) < 0)
        return print_failure(REMOTE_FAILED, "it is pushed, but %s", err.text);
    return tell(session, known ? "changed" : "made", there);
}
