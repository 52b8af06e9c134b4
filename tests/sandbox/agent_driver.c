/* SPDX-License-Identifier: Apache-2.0 */
/* agent_driver PLUGIN CONFIG [--deny CALL,CALL...] [--with PLUGIN]...
 *
 * Loads the runtime into a process of its own and does what it reads: one JSON object
 * a line on stdin, one answer a line on stdout.
 *   {"op": "run", "id", ...the members of struct ein_agent_run..., "cancel_after_ms",
 *    "stop_at": type of the event at which the sink asks to stop}
 *                     -> {"id", "code", "text", "outcome", "trace", "us"}; runs overlap
 *   {"op": "bench", "id", "code", "count", "parallel"} -> {"id", "us": [each], "total_us"}
 *   {"op": "status", "id"}  -> {"id", "status", "unready", "fds", "resident_kb"}
 *   {"op": "log", "id"}     -> {"id", "log"}
 * --deny makes the kernel answer EPERM to these system calls from the start, as a
 * container's filter does ("landlock" and "clone3" are answered ENOSYS). */
#include "cleanup.h"
#include "fake_host.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { PLUGINS_MAX = 4 };

struct driver {
    struct fake_host *host;
    const struct ein_service *service;
    const struct ein_agent_runtime *runtime;
    pthread_mutex_t out;
    _Atomic int runs;
};

struct order {
    struct driver *driver;
    json_t *what, *trace;
    struct ein_cancel *cancel;
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void answer(struct driver *driver, json_t *take_answer)
{
    EIN_JSON json_t *json = take_answer;
    EIN_FREE char *text = json_dumps(json, JSON_COMPACT);
    EIN_LOCKED(&driver->out);

    puts(text ? text : "{\"bad\":true}");
    fflush(stdout);
}

static const char *text_of(const json_t *what, const char *name)
{
    return json_string_value(json_object_get(what, name));
}

/* ---- run ---- */

static int note(const struct json_t *event, void *data)
{
    struct order *order = data;
    const char *stop_at = text_of(order->what, "stop_at");

    json_array_append(order->trace, (json_t *)event);
    return stop_at && strcmp(stop_at, text_of(event, "type")) == 0;
}

static struct ein_agent_run to_run(struct order *order)
{
    const json_t *what = order->what;

    return (struct ein_agent_run){
        .struct_size = sizeof(struct ein_agent_run),
        .timeout_ms = (uint32_t)json_integer_value(json_object_get(what, "timeout_ms")),
        .run_id = "test",
        .user_id = text_of(what, "user_id") ? text_of(what, "user_id") : "user",
        .agent_id = text_of(what, "agent_id"),
        .agent_name = text_of(what, "agent_name") ? text_of(what, "agent_name") : "sandbox_agent",
        .code = text_of(what, "code"),
        .input = json_object_get(what, "input"),
        .tools = json_object_get(what, "tools"),
        .imports = json_object_get(what, "imports"),
        .agents = json_object_get(what, "agents"),
        .limits = json_object_get(what, "limits"),
        .secrets = json_object_get(what, "secrets"),
        .agent = json_object_get(what, "agent"),
        .cancel = order->cancel,
        .trace = note,
        .trace_data = order,
    };
}

static void *cancel_later(void *data)
{
    struct order *order = data;

    poll(NULL, 0, (int)json_integer_value(json_object_get(order->what, "cancel_after_ms")));
    fake_cancels.fire(order->cancel);
    return NULL;
}

static void *run(void *data)
{
    struct order *order = data;
    struct driver *driver = order->driver;
    struct ein_error err = { 0 };
    json_t *outcome = NULL;
    pthread_t canceller;

    order->trace = json_array();
    bool cancels = json_object_get(order->what, "cancel_after_ms");
    if (cancels) {
        order->cancel = fake_cancels.make(fake_host_ctx(driver->host), NULL);
        pthread_create(&canceller, NULL, cancel_later, order);
    }
    struct ein_agent_run what = to_run(order);
    int64_t began = now_us();
    int r = driver->runtime->run(driver->service->impl, &what, &outcome, &err);
    int64_t took = now_us() - began;
    if (cancels) {
        pthread_join(canceller, NULL);
        fake_cancels.drop(order->cancel);
    }
    answer(driver, json_pack("{s:O*, s:i, s:s, s:o*, s:o, s:I}", "id",
                             json_object_get(order->what, "id"), "code", r, "text", err.text,
                             "outcome", outcome, "trace", order->trace, "us", (json_int_t)took));
    json_decref(order->what);
    free(order);
    driver->runs--;
    return NULL;
}

/* ---- bench ---- */

struct bench {
    struct driver *driver;
    const char *code;
    json_t *each;
    pthread_mutex_t lock;
    json_int_t left; /* guarded by lock */
};

static void *bench_some(void *data)
{
    struct bench *bench = data;
    struct ein_agent_run what = { .struct_size = sizeof(what),
                                  .run_id = "bench",
                                  .user_id = "user",
                                  .agent_name = "bench",
                                  .code = bench->code };

    for (;;) {
        {
            EIN_LOCKED(&bench->lock);
            if (bench->left-- <= 0)
                return NULL;
        }
        EIN_JSON json_t *outcome = NULL;
        struct ein_error err = { 0 };
        int64_t began = now_us();
        int r = bench->driver->runtime->run(bench->driver->service->impl, &what, &outcome, &err);
        int64_t took = now_us() - began;
        bool good = r == 0 && json_is_null(json_object_get(outcome, "error"));
        EIN_LOCKED(&bench->lock);
        json_array_append_new(bench->each, good ? json_integer(took) : json_string(err.text));
    }
}

static void run_bench(struct driver *driver, const json_t *what)
{
    struct bench bench = { .driver = driver,
                           .code = text_of(what, "code"),
                           .each = json_array(),
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .left = json_integer_value(json_object_get(what, "count")) };
    pthread_t threads[64];
    int count = (int)json_integer_value(json_object_get(what, "parallel"));
    int64_t began = now_us();

    for (int i = 0; i < count && i < 64; i++)
        pthread_create(&threads[i], NULL, bench_some, &bench);
    for (int i = 0; i < count && i < 64; i++)
        pthread_join(threads[i], NULL);
    answer(driver, json_pack("{s:O*, s:o, s:I}", "id", json_object_get(what, "id"), "us",
                             bench.each, "total_us", (json_int_t)(now_us() - began)));
}

/* ---- status ---- */

static int count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        (void)!fscanf(file, "%*d %ld", &pages);
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The host writes these on the plugin's threads. */
static char *copy_locked(struct fake_host *host, char *const *text)
{
    EIN_LOCKED(&host->lock);
    return strdup(*text ? *text : "");
}

static void tell_status(struct driver *driver, const json_t *what)
{
    EIN_FREE char *unready = copy_locked(driver->host, &driver->host->unready);
    json_t *status = NULL;

    (void)driver->runtime->status(driver->service->impl, &status, NULL);
    answer(driver, json_pack("{s:O*, s:o*, s:s, s:i, s:I}", "id", json_object_get(what, "id"),
                             "status", status, "unready", unready, "fds", count_fds(),
                             "resident_kb", (json_int_t)resident_kb()));
}

/* ---- the outer filter ---- */

static void deny(scmp_filter_ctx filter, const char *name)
{
    if (strcmp(name, "landlock") == 0) {
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), 444, 0);
        return;
    }
    if (strcmp(name, "clone_new") == 0) {
        static const uint64_t flags[] = { CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                          CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                          CLONE_NEWNET };
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        return;
    }
    if (strcmp(name, "no_new_privs") == 0) {
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                         SCMP_A0(SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS));
        return;
    }
    int number = seccomp_syscall_resolve_name(name);
    if (number < 0 || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) < 0) {
        fprintf(stderr, "agent_driver: cannot deny %s\n", name);
        exit(2);
    }
}

static void deny_all(char *names)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    char *rest;

    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0);
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        deny(filter, name);
    if (seccomp_load(filter) < 0) {
        perror("agent_driver: seccomp");
        exit(2);
    }
    seccomp_release(filter);
}

/* ---- what the host offers ---- */

static int accept_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                         size_t stride, void *self, struct ein_error *err)
{
    (void)ctx, (void)routes, (void)count, (void)stride, (void)self, (void)err;
    return 0;
}

static const struct ein_http http = { .struct_size = sizeof(http), .add_routes = accept_routes };

static int fail_fetch(struct ein_error *err, int code, const char *text)
{
    err->code = code;
    snprintf(err->text, sizeof(err->text), "%s", text);
    return code;
}

static json_t *headers_of(const struct ein_fetch *what)
{
    json_t *headers = json_array();

    for (const char *const *header = what->headers; header && *header; header++)
        json_array_append_new(headers, json_string(*header));
    return headers;
}

static int64_t body_len(const struct ein_fetch *what)
{
    char piece[16384];
    int64_t len = (int64_t)what->body_len, more;

    if (!what->on_send)
        return len;
    while ((more = what->on_send(what->data, piece, sizeof(piece))) > 0)
        len += more;
    return more < 0 ? more : len;
}

/* A world of one host: http://public.test/echo, /redirect, /inside, /slow, /big. */
static int fetch(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    static const char base[] = "http://public.test";
    const char *path = what->url + sizeof(base) - 1;

    (void)ctx;
    if (strncmp(what->url, "http", 4) != 0)
        return fail_fetch(err, EIN_E_INVALID, "not an HTTP URL");
    if (what->egress != EIN_EGRESS_PUBLIC || strncmp(what->url, base, sizeof(base) - 1) != 0)
        return fail_fetch(err, EIN_E_DENIED, "the address is not public");
    if (strcmp(path, "/big") == 0)
        return fail_fetch(err, EIN_E_TOO_LARGE, "the reply is too large");
    if (strcmp(path, "/slow") == 0) {
        struct pollfd wait = { fake_cancels.wait_fd(what->cancel), POLLIN, 0 };
        if (poll(&wait, 1, (int)what->idle_ms) > 0)
            return fail_fetch(err, EIN_E_CANCELLED, "cancelled");
        return fail_fetch(err, EIN_E_TIMEOUT, "no answer in time");
    }
    bool moves = strcmp(path, "/redirect") == 0 || strcmp(path, "/inside") == 0;
    EIN_JSON json_t *headers =
        json_pack("{s:s, s:[s,s]}", "content-type", "application/json", "x-two", "a", "b");
    if (moves)
        json_object_set_new(headers, "location",
                            json_string(path[1] == 'r' ? "/echo" : "http://127.0.0.1/secret"));
    EIN_JSON json_t *echo =
        json_pack("{s:s, s:s, s:o, s:I}", "method", what->method, "path", path, "headers",
                  headers_of(what), "body_len", (json_int_t)body_len(what));
    EIN_FREE char *body = json_dumps(echo, 0);
    if (what->on_head(what->data, moves ? 302 : 200, headers) != 0 ||
        what->on_data(what->data, body, strlen(body)) != 0)
        return fail_fetch(err, EIN_E_CANCELLED, "stopped by the receiver");
    ret->status = moves ? 302 : 200;
    ret->headers = json_incref(headers);
    return 0;
}

static const struct ein_client client = { .struct_size = sizeof(client), .fetch = fetch };

/* ---- the loop ---- */

static void obey(struct driver *driver, json_t *take_what)
{
    const char *op = text_of(take_what, "op");
    pthread_t thread;

    if (op && strcmp(op, "run") == 0) {
        struct order *order = calloc(1, sizeof(*order));
        order->driver = driver;
        driver->runs++;
        order->what = take_what;
        pthread_create(&thread, NULL, run, order);
        pthread_detach(thread);
        return;
    }
    EIN_JSON json_t *what = take_what;
    EIN_FREE char *log = copy_locked(driver->host, &driver->host->log);
    if (op && strcmp(op, "bench") == 0)
        run_bench(driver, what);
    else if (op && strcmp(op, "status") == 0)
        tell_status(driver, what);
    else
        answer(driver, json_pack("{s:O*, s:s}", "id", json_object_get(what, "id"), "log", log));
}

static struct fake_plugin *open_plugin(struct driver *driver, const char *name, json_t *take_config)
{
    struct fake_plugin *plugin = NULL;
    struct ein_error err = { 0 };

    if (fake_plugin_open(driver->host, name, take_config, &plugin, &err) < 0 ||
        fake_plugin_start(plugin, &err) < 0) {
        fprintf(stderr, "agent_driver: %s: %s\n", name, err.text);
        exit(2);
    }
    return plugin;
}

int main(int argc, char **argv)
{
    struct driver driver = { .out = PTHREAD_MUTEX_INITIALIZER };
    struct fake_plugin *with[PLUGINS_MAX] = { NULL };
    int count = 0;
    char *line = NULL;
    size_t size = 0;

    if (argc < 3)
        return 2;
    for (int i = 3; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--deny") == 0)
            deny_all(argv[i + 1]);
    driver.host = fake_host_new();
    driver.host->table.http = &http;
    driver.host->table.client = &client;
    for (int i = 3; i + 1 < argc && count < PLUGINS_MAX; i += 2)
        if (strcmp(argv[i], "--with") == 0)
            with[count++] = open_plugin(&driver, argv[i + 1], json_object());
    int64_t began = now_us();
    struct fake_plugin *plugin = open_plugin(&driver, argv[1], json_loads(argv[2], 0, NULL));
    fprintf(stderr, "agent_driver: started in %lld us\n", (long long)(now_us() - began));
    driver.service = fake_host_service(driver.host, EIN_AGENT_RUNTIME);
    driver.runtime = driver.service->vtable;

    while (getline(&line, &size, stdin) > 0) {
        json_t *what = json_loads(line, 0, NULL);
        if (what)
            obey(&driver, what);
    }
    free(line);
    while (driver.runs)
        poll(NULL, 0, 10);
    fake_plugin_close(plugin);
    while (count)
        fake_plugin_close(with[--count]);
    fake_host_free(driver.host);
    return 0;
}
