/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "log.h"
#include "unit.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yder.h>

struct fixture {
    char path[64];
    struct log *log;
};

static void begin(struct fixture *f, const char *format, const char *level, bool access)
{
    struct ein_error err;
    json_t *settings;
    int fd;

    (void)strcpy(f->path, "/tmp/einion-test-log-XXXXXX");
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    (void)close(fd);
    settings = json_pack("{s:s, s:s, s:s, s:b}", "to", f->path, "format", format, "level", level,
                         "access", access);
    if (log_new(settings, &f->log, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(settings);
}

static char *content(const char *path)
{
    int fd = open(path, O_RDONLY);
    char *text = calloc(1, 1000000);

    assert_true(fd >= 0);
    assert_true(read(fd, text, 999999) >= 0);
    (void)close(fd);
    return text;
}

/* Everything that was written. */
static char *end(struct fixture *f)
{
    char *text;

    log_free(f->log);
    text = content(f->path);
    (void)unlink(f->path);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static const struct log_access visit = {
    .method = "GET",
    .path = "/agents/a b?token=abcdef",
    .operation_id = "getAgent",
    .request_id = "r-1",
    .client_addr = "::1",
    .status = 200,
    .reply_len = 12,
    .duration_us = 345,
};

/* An error's sentence may be longer than other values, and hold a key that somebody has sent. */
static void a_refused_request_tells_why_and_whose_key_it_had(void **state)
{
    struct fixture f;
    struct log_access refused = visit;
    char *text, said[300];

    (void)snprintf(said, sizeof(said), "%0250d no \"%s\"", 0, "sk-ant-api03-0123456789abcdef");
    refused.status = 403;
    refused.uid = "u";
    refused.key_id = "k-1";
    refused.said = said;
    begin(&f, "text", "info", true);
    log_access(f.log, &refused);
    text = end(&f);
    assert_non_null(strstr(text, " uid=u key=k-1 said=\"000"));
    assert_non_null(strstr(text, "000 no \\\"[REDACTED:"));
    assert_null(strstr(text, "sk-ant-"));
    free(text);
}

static void text_lines(void **state)
{
    struct fixture f;
    char *text;

    begin(&f, "text", "info", true);
    log_write(f.log, EIN_WARN, "agents", "r-9", "run %d ended", 3);
    log_write(f.log, EIN_DEBUG, "agents", NULL, "not shown");
    log_access(f.log, &visit);
    text = end(&f);
    assert_int_equal(count_lines(text), 2);
    assert_string_equal(strstr(text, "Z ") + 1,
                        strstr(text, " WARN  agents: run 3 ended request=r-9\n"));
    assert_int_equal(text[10], 'T');
    assert_non_null(strstr(text,
                           "Z INFO  access: GET /agents/a b?token=[REDACTED:token] status=200 "
                           "bytes=12 us=345 operation=getAgent request=r-1 client=::1\n"));
    free(text);
}

static void lines_for_the_journal_have_its_priority(void **state)
{
    struct fixture f;
    struct stat is;
    char stream[64], *text;
    int err = dup(STDERR_FILENO), fd;

    begin(&f, "text", "info", true);
    log_free(f.log);
    fd = open(f.path, O_WRONLY | O_APPEND);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    (void)close(fd);
    assert_int_equal(fstat(STDERR_FILENO, &is), 0);
    for (unsigned apart = 0; apart < 2; apart++) {
        struct ein_error error;
        json_t *settings = json_pack("{s:s}", "to", "stderr");

        (void)snprintf(stream, sizeof(stream), "%lu:%lu", is.st_dev, is.st_ino + apart);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
        assert_int_equal(log_new(settings, &f.log, &error), 0);
        log_write(f.log, EIN_WARN, "agents", "r-9", "run %u ended", apart);
        log_access(f.log, &visit);
        log_free(f.log);
        json_decref(settings);
    }
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    assert_int_equal(dup2(err, STDERR_FILENO), STDERR_FILENO);
    (void)close(err);
    text = content(f.path);
    (void)unlink(f.path);
    assert_int_equal(strncmp(text, "<4>agents: run 0 ended request=r-9\n<6>access: GET /", 50), 0);
    assert_int_equal(strstr(text, " WARN  agents: run 1 ended")[-1], 'Z');
    free(text);
}

static void json_lines_are_objects(void **state)
{
    struct fixture f;
    struct json_fault fault;
    char *text, *line, *rest;

    begin(&f, "json", "debug", true);
    log_write(f.log, EIN_DEBUG, "a\"b", NULL, "x\x01\"\\\n\xff\xe2\x80\xa8 é");
    log_access(f.log, &visit);
    rest = text = end(&f);
    assert_int_equal(count_lines(text), 2);
    for (int i = 0; i < 2; i++) {
        json_t *entry;

        line = strsep(&rest, "\n");
        entry = json_text_parse(line, strlen(line), 3, &fault);
        if (!entry)
            fail_msg("%s: %s", line, fault.text);
        if (i == 0) {
            assert_string_equal(json_string_value(json_object_get(entry, "source")), "a\"b");
            assert_string_equal(json_string_value(json_object_get(entry, "message")),
                                "x\x01\"\\\n\xef\xbf\xbd\xef\xbf\xbd é");
        } else {
            assert_int_equal(json_integer_value(json_object_get(entry, "status")), 200);
            assert_string_equal(json_string_value(json_object_get(entry, "client")), "::1");
        }
        json_decref(entry);
    }
    free(text);
}

static void no_client_can_forge_a_line(void **state)
{
    struct log_access forged = visit;
    struct fixture f;
    char *text;

    begin(&f, "text", "info", true);
    forged.path = "/\n2026-01-01T00:00:00.000Z ERROR server: gone\r\x1b[2J\x7f\xc2\x9b\xff";
    forged.request_id = "a b\n";
    log_access(f.log, &forged);
    log_write(f.log, EIN_INFO, "s\n", "\n", "%s",
              "a\nb\xe2\x80\xa8"
              "c\xe2\x80\xae");
    text = end(&f);
    assert_int_equal(count_lines(text), 2);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
    assert_non_null(strstr(text, "gone\\x0d\\x1b[2J\\x7f\\xc2\\x9b\\xff status"));
    assert_non_null(strstr(text, "request=\"a b\\n\""));
    free(text);
}

static void long_lines_are_cut_and_end(void **state)
{
    struct log_access visited = visit;
    struct fixture f;
    char *text, *wide = calloc(1, 50001);

    memset(wide, '\n', 50000);
    begin(&f, "json", "info", true);
    visited.path = visited.uid = visited.trace_id = wide;
    log_access(f.log, &visited);
    log_write(f.log, EIN_INFO, wide, wide, "%s", wide);
    text = end(&f);
    assert_int_equal(count_lines(text), 2);
    assert_true(strlen(text) < 16384);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;) {
        struct json_fault fault;
        json_t *entry = json_text_parse(line, strlen(line), 3, &fault);

        if (!entry)
            fail_msg("%s at %zu", fault.text, fault.offset);
        json_decref(entry);
    }
    free(text);
    free(wide);
}

static void secrets_do_not_reach_the_file(void **state)
{
    struct fixture f;
    char *text;

    begin(&f, "text", "info", true);
    log_write(f.log, EIN_INFO, "x", "Bearer abc123def456", "password=hunter2");
    text = end(&f);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "abc123"));
    free(text);
}

static void entries_are_written_at_once_and_visits_soon(void **state)
{
    struct fixture f;
    char *text;

    begin(&f, "text", "info", true);
    log_write(f.log, EIN_INFO, "x", NULL, "now");
    text = content(f.path);
    assert_int_equal(count_lines(text), 1);
    free(text);
    log_access(f.log, &visit);
    for (int i = 0; i < 12000; i++) {
        (void)usleep(10000);
        text = content(f.path);
        if (count_lines(text) == 2)
            break;
        free(text);
        text = NULL;
    }
    assert_non_null(text);
    free(text);
    free(end(&f));
}

static void what_ulfius_says_is_logged(void **state)
{
    struct fixture f;
    char *text;

    begin(&f, "text", "info", true);
    y_log_message(Y_LOG_LEVEL_ERROR, "port %d\nis taken", 80);
    text = end(&f);
    assert_non_null(strstr(text, " ERROR http: port 80\\nis taken\n"));
    free(text);
}

static void reload_changes_level_and_reopens_the_file(void **state)
{
    struct fixture f;
    struct ein_error err;
    json_t *settings;
    char moved[80], *text;

    begin(&f, "text", "info", true);
    log_write(f.log, EIN_INFO, "x", NULL, "before");
    (void)snprintf(moved, sizeof(moved), "%s.1", f.path);
    assert_int_equal(rename(f.path, moved), 0);
    settings = json_pack("{s:s, s:s, s:b}", "to", f.path, "level", "error", "access", 0);
    assert_int_equal(log_reload(f.log, settings, &err), 0);
    json_decref(settings);
    log_write(f.log, EIN_INFO, "x", NULL, "unseen");
    log_access(f.log, &visit);
    log_write(f.log, EIN_ERROR, "x", NULL, "after");
    text = end(&f);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "after"));
    free(text);
    text = content(moved);
    assert_non_null(strstr(text, "before"));
    free(text);
    (void)unlink(moved);
}

static void unusable_settings_are_refused(void **state)
{
    static const char *const settings[][2] = { { "level", "loud" },
                                               { "format", "xml" },
                                               { "to", "relative/file" },
                                               { "to", "/no/such/folder/x" } };
    struct ein_error err;
    struct log *log;

    for (size_t i = 0; i < 4; i++) {
        json_t *json = json_pack("{s:s}", settings[i][0], settings[i][1]);

        assert_true(log_new(json, &log, &err) < 0);
        assert_non_null(strstr(err.text, settings[i][0]));
        json_decref(json);
    }
}

/* A pipe that nobody reads: its writer would block for ever. */
static void reader_that_stopped_costs_lines_and_no_time(void **state)
{
    char text[4096], path[64];
    int pipe_fds[2];
    struct log *log;
    struct ein_error err;
    json_t *settings;
    ssize_t n;
    bool told = false;

    assert_int_equal(pipe(pipe_fds), 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fds[1]);
    settings = json_pack("{s:s}", "to", path);
    assert_int_equal(log_new(settings, &log, &err), 0);
    json_decref(settings);
    for (int i = 0; i < 3000; i++)
        log_write(log, EIN_INFO, "x", NULL, "%0100d", i);

    (void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    while (read(pipe_fds[0], text, sizeof(text)) > 0)
        ;
    log_write(log, EIN_INFO, "x", NULL, "again");
    while ((n = read(pipe_fds[0], text, sizeof(text) - 1)) > 0) {
        text[n] = '\0';
        told = told || strstr(text, " lines were lost\n");
    }
    assert_true(told);
    log_free(log);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(a_refused_request_tells_why_and_whose_key_it_had),
        cmocka_unit_test(lines_for_the_journal_have_its_priority),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(no_client_can_forge_a_line),
        cmocka_unit_test(long_lines_are_cut_and_end),
        cmocka_unit_test(secrets_do_not_reach_the_file),
        cmocka_unit_test(entries_are_written_at_once_and_visits_soon),
        cmocka_unit_test(what_ulfius_says_is_logged),
        cmocka_unit_test(reload_changes_level_and_reopens_the_file),
        cmocka_unit_test(unusable_settings_are_refused),
        cmocka_unit_test(reader_that_stopped_costs_lines_and_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
