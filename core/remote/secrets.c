/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include "agents.h"
#include "cleanup.h"
#include "file.h"
#include "member.h"
#include "percent.h"
#include "print.h"
#include "str.h"
#include "typed.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_MAX = 64 * 1024 }; /* what the server's vault takes */

/* METHOD of the secret NAME, or of all where that is NULL, of the agent that is called AGENT. */
static int call_secret(const struct session *session, const char *method, const char *called,
                       const char *name, const json_t *body, json_t **ret_reply)
{
    EIN_JSON json_t *agent = NULL;
    EIN_FREE char *encoded = name ? percent_encode(name, "") : NULL;
    EIN_FREE char *rest = name ? str_print("/secrets/%s", encoded ? encoded : "") : NULL;
    EIN_FREE char *path = NULL;
    struct call call = { .method = method, .body = body };
    int status = agents_find(session, called, false, &agent);

    if (status != REMOTE_OK)
        return status;
    if (name && (!encoded || !rest))
        return print_failure(REMOTE_FAILED, "no memory");
    call.path = path = session_path("agents", text_of(agent, "_id"), name ? rest : "/secrets");
    status = session_call(session, &call);
    *ret_reply = call.reply;
    return status;
}

int secrets_list(struct session *session, char **words)
{
    static const struct print_column columns[] = {
        { "NAME", "name" },
        { "SET", "updatedAt" },
        { "BY", "updatedBy" },
        { 0 },
    };
    EIN_JSON json_t *secrets = NULL;
    int status = call_secret(session, "GET", words[0], NULL, NULL, &secrets);

    if (status == REMOTE_OK)
        print_list(stdout, session->options->json, secrets, columns);
    return status;
}

/* From --input, or what is piped in without its last line end, or typed unseen. */
static int read_secret(const struct options *options, const char *name, char **ret_secret)
{
    bool at_terminal = !options->input && isatty(STDIN_FILENO);
    EIN_FREE char *prompt = str_print("%s: ", name);
    struct ein_error err;
    size_t len;
    int status;

    if (!at_terminal) {
        if (file_read(options->input ? options->input : "-", SECRET_MAX, ret_secret, &len, &err) <
            0)
            return print_failure(REMOTE_USAGE, "%s", err.text);
        if (len && (*ret_secret)[len - 1] == '\n')
            (*ret_secret)[len - 1] = '\0';
        return REMOTE_OK;
    }
    *ret_secret = calloc(1, SESSION_KEY_MAX);
    if (!*ret_secret || !prompt)
        return print_failure(REMOTE_FAILED, "no memory");
    status = typed_ask(prompt, *ret_secret, SESSION_KEY_MAX);
    return status == REMOTE_OK ? status : print_failure(REMOTE_INTERRUPTED, "no secret was given");
}

static int tell(const struct session *session, const char *what, const char *name)
{
    if (!session->options->json)
        print_line("%s %s", what, name);
    return REMOTE_OK;
}

int secrets_set(struct session *session, char **words)
{
    EIN_SECRET char *secret = NULL;
    EIN_JSON json_t *body = NULL;
    EIN_JSON json_t *reply = NULL;
    int status = read_secret(session->options, words[1], &secret);

    if (status != REMOTE_OK)
        return status;
    body = json_pack("{s:s}", "value", secret);
    if (!body)
        return print_failure(REMOTE_USAGE, "the secret is not UTF-8");
    status = call_secret(session, "PUT", words[0], words[1], body, &reply);
    return status == REMOTE_OK ? tell(session, "set", words[1]) : status;
}

int secrets_delete(struct session *session, char **words)
{
    EIN_JSON json_t *reply = NULL;
    int status = call_secret(session, "DELETE", words[0], words[1], NULL, &reply);

    return status == REMOTE_OK ? tell(session, "deleted", words[1]) : status;
}
