/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "sandbox/weaken.h"
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    SELFTEST_MS = 60000, /* also where many share the processor */
    FRAME_MAX = 64 << 10,
    CODE_MAX = 64 << 10,
    DEPTH = 8
};

/* What the child must have tried, and failed at.  sandbox/attacks.py does them. */
static const char *const attacks[] = {
    "open /etc/passwd",
    "open the server's files",
    "read the server's environment",
    "write the standard library",
    "inherit a descriptor",
    "make a socket",
    "make a local socket",
    "fork",
    "execute a program",
    "signal the parent",
    "map executable memory",
    "make memory executable",
    "make a memory file",
    "raise a limit",
    "run without limits",
    "become root",
    "change a file's mode",
};

/* A call that must end the process on the spot: unshare() of the user namespace. */
static const char forbidden_call[] = "import ctypes\n"
                                     "async def run(input_dict, tools):\n"
                                     "    ctypes.CDLL(None).unshare(0x10000000)\n"
                                     "    return 'alive'\n";

static int read_code(const char *folder, char **ret_code, struct ein_error *err)
{
    EIN_FREE char *code = calloc(1, CODE_MAX);
    char path[4096];

    snprintf(path, sizeof(path), "%s/attacks.py", folder);
    FILE *file = code ? fopen(path, "re") : NULL;
    if (!file)
        return error_set(err, EIN_E_UNAVAILABLE, "%s: %s", path, strerror(errno));
    size_t len = fread(code, 1, CODE_MAX - 1, file);
    fclose(file);
    if (len == 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s is empty", path);
    *ret_code = EIN_TAKE(code);
    return 0;
}

static json_t *make_job(const char *code, const char *folder)
{
    return json_pack("{s:s, s:s, s:{s:i, s:[s,s]}, s:{}, s:i}", "t", "job", "code", code, "input",
                     "server", (int)getpid(), "files", folder, "/etc/shadow", "tools", "result_max",
                     FRAME_MAX);
}

static int send_job(const struct child *child, const char *code, const char *folder,
                    struct ein_error *err)
{
    struct wire_buffer out = { .max = 4 * CODE_MAX };
    EIN_JSON json_t *job = make_job(code, folder);
    int r = job ? wire_append(&out, job, NULL, 0, err) : error_no_memory(err);

    if (r == 0) {
        size_t len = wire_buffer_len(&out);
        if (send(child->socket, out.bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
            r = error_set(err, EIN_E_UNAVAILABLE, "the self-test could not be sent");
    }
    wire_buffer_free(&out);
    return r;
}

/* Of the frames that are there the one that ends the job, or NULL. */
static int find_end(struct wire_buffer *in, json_t **ret_end, struct ein_error *err)
{
    struct frame frame;
    int r;

    while (!*ret_end && (r = wire_frame(in->bytes + in->start, wire_buffer_len(in), FRAME_MAX,
                                        &frame, err)) != 0) {
        EIN_JSON json_t *message = NULL;
        if (r > 0)
            r = wire_json(&frame, DEPTH, FRAME_MAX, &message, err);
        if (r < 0)
            return r;
        wire_buffer_drop(in, frame.len);
        const char *kind = json_string_value(json_object_get(message, "t"));
        if (kind && (strcmp(kind, "result") == 0 || strcmp(kind, "error") == 0))
            *ret_end = EIN_TAKE(message);
    }
    return 0;
}

/* The same of those to come; *ret_end NULL when the child ended without one. */
static int read_end(const struct child *child, json_t **ret_end, struct ein_error *err)
{
    struct wire_buffer in = { .max = 2 * FRAME_MAX };
    int64_t until_ms = clock_mono_ms() + SELFTEST_MS;
    int r = 0;

    *ret_end = NULL;
    while (r == 0 && !*ret_end && clock_mono_ms() < until_ms) {
        struct pollfd wait = { child->socket, POLLIN, 0 };
        if (poll(&wait, 1, (int)(until_ms - clock_mono_ms())) <= 0)
            continue;
        char *room = wire_buffer_room(&in, 4096);
        ssize_t len = room ? recv(child->socket, room, 4096, 0) : 0;
        if (len <= 0)
            break;
        in.end += (size_t)len;
        r = find_end(&in, ret_end, err);
    }
    wire_buffer_free(&in);
    return r;
}

/* What it wrote before it died is the reason, above all a failed isolation step. */
static int died(const struct child *child, struct ein_error *err)
{
    char text[200];
    struct pollfd wait = { child->output, POLLIN, 0 };

    (void)poll(&wait, 1, 100);
    ssize_t len = read(child->output, text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return error_set(err, EIN_E_UNAVAILABLE, "%s", *text ? text : "the self-test's process ended");
}

static int check_attacks(const struct child *child, const json_t *end, struct ein_error *err)
{
    const json_t *outcome = json_object_get(end, "v");

    if (!end)
        return died(child, err);
    if (!json_is_object(outcome))
        return error_set(err, EIN_E_UNAVAILABLE, "the self-test failed: %s",
                         json_string_value(json_object_get(end, "msg")));
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        const char *how = json_string_value(json_object_get(outcome, attacks[i]));
        if (!how || strncmp(how, "denied", 6) != 0)
            return error_set(err, EIN_E_UNAVAILABLE, "the sandbox does not hold: \"%s\" %s",
                             attacks[i], how ? how : "was not tried");
    }
    return 0;
}

struct ended {
    const struct child *child;
    bool seen;
    int status;
    zygote_exit_fn *exited;
    void *data;
};

static void note_end(struct child *child, int status, uint32_t cpu_ms, void *data)
{
    struct ended *ended = data;

    if (child == ended->child) {
        ended->seen = true;
        ended->status = status;
    }
    ended->exited(child, status, cpu_ms, ended->data);
}

static int check_killed(struct zygote *zygote, struct ended *ended, const json_t *end,
                        struct ein_error *err)
{
    int64_t until_ms = clock_mono_ms() + SELFTEST_MS;
    int r = 0;

    while (!end && !ended->seen && r == 0 && clock_mono_ms() < until_ms) {
        struct pollfd wait = { zygote->control, POLLIN, 0 };
        (void)poll(&wait, 1, 100);
        r = zygote_read_exits(zygote, note_end, ended, err);
    }
    if (r < 0)
        return r;
    if (end || !ended->seen || !WIFSIGNALED(ended->status) || WTERMSIG(ended->status) != SIGSYS)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "the sandbox does not hold: \"a forbidden system call\" was survived");
    return 0;
}

static int attack(struct zygote *zygote, const struct settings *settings, const char *code,
                  const char *folder, bool must_die, struct ended *ended, struct ein_error *err)
{
    EIN_JSON json_t *end = NULL;
    struct child *child;
    int r;

    ended->child = NULL;
    r = zygote_spawn(zygote, settings, note_end, ended, &child, err);
    if (r < 0)
        return r;
    ended->child = child;
    r = send_job(child, code, folder, err);
    if (r == 0)
        r = read_end(child, &end, err);
    else if (!must_die)
        r = died(child, err);
    if (r == 0)
        r = must_die ? check_killed(zygote, ended, end, err) : check_attacks(child, end, err);
    child_kill(child);
    child->released = true;
    return r;
}

int selftest_run(struct zygote *zygote, const struct settings *settings, const char *folder,
                 zygote_exit_fn *exited, void *data, struct ein_error *err)
{
    struct ended ended = { .exited = exited, .data = data };
    EIN_FREE char *code = NULL;

    if (is_weakened())
        return 0;
    int r = read_code(folder, &code, err);
    if (r == 0)
        r = attack(zygote, settings, code, folder, false, &ended, err);
    if (r == 0)
        r = attack(zygote, settings, forbidden_call, folder, true, &ended, err);
    return r < 0 ? EIN_E_UNAVAILABLE : 0;
}
