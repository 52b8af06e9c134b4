/* SPDX-License-Identifier: Apache-2.0 */
#include "takeout.h"

#include "cleanup.h"
#include "json_text.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 8 };

struct takeout {
    FILE *out;
    json_t *last; /* the line that says how much there was, or why that is not all */
    int cannot;   /* errno of what could not be written */
};

/* A document says its set first. */
static int on_line(void *data, const char *text, size_t len)
{
    struct takeout *takeout = data;
    bool is_last = (len > 6 && strncmp(text, "{\"end\"", 6) == 0) ||
                   (len > 8 && strncmp(text, "{\"error\"", 8) == 0);
    struct json_fault fault;

    if (is_last && !takeout->last)
        takeout->last = json_text_parse(text, len, DEPTH_MAX, &fault);
    if (fwrite(text, 1, len, takeout->out) == len && fputc('\n', takeout->out) != EOF)
        return 0;
    takeout->cannot = errno;
    return EIN_E_UNAVAILABLE;
}

static int receive(struct session *session, const char *path, struct takeout *takeout)
{
    struct call call = { .method = "GET", .path = path, .on_line = on_line, .data = takeout };
    int status = session_send(session, &call);
    const char *error;

    if (takeout->cannot == 0 && (status != REMOTE_OK || call.status != 200))
        status = session_fail(session, &call);
    json_decref(call.reply);
    error = text_of(takeout->last, "error");
    if (takeout->cannot || status != REMOTE_OK)
        return status;
    if (error)
        return print_failure(REMOTE_FAILED, "not all of it can be read: %s", error);
    if (!json_object_get(takeout->last, "end"))
        return print_failure(REMOTE_FAILED, "the server has not sent all of it");
    return REMOTE_OK;
}

static void end_file(struct takeout *takeout)
{
    if (!takeout->cannot && (fflush(takeout->out) != 0 || fsync(fileno(takeout->out)) < 0))
        takeout->cannot = errno;
    (void)fclose(takeout->out);
}

int takeout_write(struct session *session, const char *path, const char *file)
{
    struct takeout takeout = { 0 };
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), status;

    if (fd < 0 && errno == EEXIST)
        return print_failure(REMOTE_CONFLICT, "%s is there already", file);
    takeout.out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!takeout.out)
        return print_failure(REMOTE_USAGE, "%s cannot be written: %s", file,
                             strerrordesc_np(errno));
    status = session_catch_signals(session);
    if (status == REMOTE_OK)
        status = receive(session, path, &takeout);
    end_file(&takeout);
    EIN_JSON json_t *last = takeout.last;
    if (takeout.cannot)
        status = print_failure(REMOTE_FAILED, "%s cannot be written: %s", file,
                               strerrordesc_np(takeout.cannot));
    if (status != REMOTE_OK)
        (void)unlink(file);
    else if (session->options->json)
        print_json(stdout, json_object_get(last, "end"));
    else
        print_counts(file, ": ", json_object_get(last, "end"));
    return status;
}

int takeout_mine(struct session *session, char **words)
{
    return takeout_write(session, "/users/me/export", words[0]);
}
