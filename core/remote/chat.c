/* SPDX-License-Identifier: Apache-2.0 */
#include "chat.h"

#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "file.h"
#include "json_text.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 128, QUESTION_MAX = 16 * 1024 * 1024, ANSWER_MAX = 64 * 1024 * 1024 };

/* ---- one answer ---- */

struct answer {
    bool to_terminal;
    bool has_ended;
    struct buf text;
    char *error; /* NULL: none */
};

/* To a file it goes as it is.  0; 1: nobody reads it any more. */
static int show(struct answer *answer, const char *text)
{
    EIN_FREE char *clean = answer->to_terminal ? print_clean(text, 1) : NULL;

    (void)fputs(clean ? clean : text, stdout);
    return fflush(stdout) < 0;
}

static int on_event(void *data, const char *event, char *text, size_t len)
{
    struct answer *answer = data;
    struct json_fault fault;
    EIN_JSON json_t *json = NULL;
    const char *piece, *error;

    (void)event;
    answer->has_ended = str_eq(text, "[DONE]");
    if (answer->has_ended)
        return 1;
    json = json_text_parse(text, len, DEPTH_MAX, &fault);
    error = json_string_value(member_at(json, "error.message"));
    if (error) {
        answer->error = strdup(error);
        return 1;
    }
    piece = json_string_value(
        member_at(json_array_get(json_object_get(json, "choices"), 0), "delta.content"));
    if (!piece)
        return 0;
    answer->has_ended = show(answer, piece);
    return answer->has_ended ? 1 : buf_text(&answer->text, piece);
}

static int end_answer(const struct session *session, const struct call *call,
                      const struct answer *answer)
{
    if (answer->text.len && answer->text.data[answer->text.len - 1] != '\n')
        (void)putchar('\n');
    if (session_is_interrupted(session)) { /* what was said until then stays said */
        if (answer->text.len)
            return REMOTE_OK;
        (void)putchar('\n');
        return REMOTE_INTERRUPTED;
    }
    if (answer->error)
        return print_failure(REMOTE_FAILED, "%s", answer->error);
    if (answer->has_ended)
        return REMOTE_OK;
    return call->status == 200 ? print_failure(REMOTE_FAILED, "the answer broke off")
                               : session_fail(session, call);
}

/* Asks with MESSAGES, and adds the answer to them. */
static int ask(const struct session *session, const char *model, json_t *messages)
{
    struct answer answer = { .to_terminal = isatty(STDOUT_FILENO) };
    bool whole = session->options->json;
    EIN_JSON json_t *body =
        json_pack("{s:s, s:O, s:b}", "model", model, "messages", messages, "stream", !whole);
    struct call call = { .method = "POST",
                         .path = "/v1/chat/completions",
                         .body = body,
                         .on_event = whole ? NULL : on_event,
                         .data = &answer };
    int status;

    if (!body)
        return print_failure(REMOTE_USAGE, "that is not valid UTF-8");
    if (whole) {
        status = session_call(session, &call);
        if (status == REMOTE_OK) {
            print_json(stdout, call.reply);
            (void)json_array_append(
                messages, json_object_get(json_array_get(json_object_get(call.reply, "choices"), 0),
                                          "message"));
        }
        json_decref(call.reply);
        return status;
    }
    buf_init(&answer.text, ANSWER_MAX);
    (void)session_send(session, &call);
    status = end_answer(session, &call, &answer);
    (void)json_array_append_new(
        messages, json_pack("{s:s, s:s}", "role", "assistant", "content", buf_str(&answer.text)));
    json_decref(call.reply);
    buf_done(&answer.text);
    free(answer.error);
    return status;
}

static int add_question(json_t *messages, const char *text)
{
    json_t *message = json_pack("{s:s, s:s}", "role", "user", "content", text);

    return json_array_append_new(messages, message) == 0
               ? REMOTE_OK
               : print_failure(REMOTE_USAGE, "that is not valid UTF-8");
}

static void *cancel_on_interrupt(void *cancel)
{
    sigset_t set;
    int signal_number;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    if (sigwait(&set, &signal_number) == 0)
        cancel_fire(cancel);
    return NULL;
}

/* Ctrl-C ends the answer, and not the conversation. */
static int ask_patiently(const struct session *session, const char *model, json_t *messages)
{
    struct session asking = *session;
    sigset_t interrupt, before;
    pthread_t watcher;
    int status;

    asking.cancel = cancel_new(NULL);
    if (!asking.cancel)
        return print_failure(REMOTE_FAILED, "no memory");
    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    if (pthread_create(&watcher, NULL, cancel_on_interrupt, asking.cancel) != 0) {
        status = print_failure(REMOTE_FAILED, "cannot start a thread");
    } else {
        status = ask(&asking, model, messages);
        (void)pthread_kill(watcher, SIGINT);
        (void)pthread_join(watcher, NULL);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    cancel_free(asking.cancel);
    return status;
}

/* Questions from a terminal, each with all that was said before; what fails was not said. */
static int converse(const struct session *session, const char *model, json_t *messages)
{
    EIN_FREE char *line = NULL;
    size_t size = 0;
    int status = REMOTE_OK;

    while (!ferror(stdout)) {
        size_t said = json_array_size(messages);

        (void)fputs("> ", stderr);
        ssize_t len = getline(&line, &size, stdin);

        if (len < 0)
            break;
        line[strcspn(line, "\n")] = '\0';
        if (*line == '\0')
            continue;
        status = add_question(messages, line);
        if (status == REMOTE_OK)
            status = ask_patiently(session, model, messages);
        while (status != REMOTE_OK && json_array_size(messages) > said)
            (void)json_array_remove(messages, said);
    }
    (void)fputc('\n', stderr);
    return status;
}

int chat_ask(struct session *session, char **words)
{
    EIN_JSON json_t *messages = json_array();
    EIN_FREE char *text = NULL;
    struct ein_error err;
    int status;

    if (!words[1] && isatty(STDIN_FILENO))
        return converse(session, words[0], messages);
    if (!words[1] && file_read("-", QUESTION_MAX, &text, NULL, &err) < 0)
        return print_failure(REMOTE_USAGE, "%s", err.text);
    status = add_question(messages, words[1] ? words[1] : text);
    return status == REMOTE_OK ? ask(session, words[0], messages) : status;
}

int chat_models(struct session *session, char **words)
{
    static const struct print_column columns[] = { { "MODEL", "id" }, { "OF", "owned_by" }, { 0 } };
    EIN_JSON json_t *models = NULL;
    int status = session_get(session, &models, "/v1/models");

    (void)words;
    if (status == REMOTE_OK)
        print_list(stdout, session->options->json, json_object_get(models, "data"), columns);
    return status;
}
