/* SPDX-License-Identifier: Apache-2.0 */
/* What requests ask for, and which paths may be asked for. */
#include "ask.h"
#include "open_inside.h"
#include "types.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void the_best_encoding_is_taken(void **state)
{
    static const struct {
        const char *accept;
        enum coding coding;
    } table[] = {
        { NULL, CODING_NONE },
        { "", CODING_NONE },
        { "gzip", CODING_GZIP },
        { "gzip,br", CODING_BR },
        { " , ,gzip ,, ", CODING_GZIP },
        { "br;q=0.9,gzip;q=0.91", CODING_GZIP },
        { "br;q=0.9995,gzip;q=0.999", CODING_BR },
        { "br;q=2", CODING_BR },
        { "br;q=x", CODING_BR },
        { "br;q=0.", CODING_NONE },
        { "br;q=0.000", CODING_NONE },
        { "*;q=0.5, br;q=0", CODING_GZIP },
        { "brr, gzipp", CODING_NONE },
        { "gzip;level=9", CODING_GZIP },
        { "identity;q=0.5, gzip;q=0.5", CODING_GZIP },
        { "identity, gzip;q=0.5", CODING_NONE },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (ask_coding(table[i].accept) != table[i].coding)
            fail_msg("\"%s\" gives %d", table[i].accept, (int)ask_coding(table[i].accept));
}

static void parts_are_within_the_file(void **state)
{
    static const struct {
        const char *range;
        uint64_t size;
        enum range found;
        uint64_t first, len;
    } table[] = {
        { NULL, 10, RANGE_ALL, 0, 0 },
        { "bytes=0-0", 10, RANGE_PART, 0, 1 },
        { "bytes=0-", 10, RANGE_PART, 0, 10 },
        { "bytes=9-100", 10, RANGE_PART, 9, 1 },
        { "bytes=10-", 10, RANGE_OUTSIDE, 0, 0 },
        { "bytes=-3", 10, RANGE_PART, 7, 3 },
        { "bytes=-30", 10, RANGE_PART, 0, 10 },
        { "bytes=-0", 10, RANGE_OUTSIDE, 0, 0 },
        { "bytes=0-", 0, RANGE_OUTSIDE, 0, 0 },
        { "bytes=-1", 0, RANGE_OUTSIDE, 0, 0 },
        { "bytes=5-4", 10, RANGE_ALL, 0, 0 },
        { "bytes=1-2,3-4", 10, RANGE_ALL, 0, 0 },
        { "bytes=0-999999999999999999", 10, RANGE_PART, 0, 10 },
        { "bytes=0-9999999999999999999", 10, RANGE_ALL, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t first = 0, len = 0;

        if (ask_range(table[i].range, table[i].size, &first, &len) != table[i].found)
            fail_msg("%s of %d", table[i].range, (int)table[i].size);
        assert_int_equal(first, table[i].first);
        assert_int_equal(len, table[i].len);
    }
}

static void paths_that_may_lead_astray_are_refused(void **state)
{
    static const char *const good[] = { "a", "a/b.c/d", "a b", ".well-known/x", "\xc3\xa9" };
    static const char *const bad[] = { "",
                                       ".",
                                       "..",
                                       "a/..",
                                       "../a",
                                       "a/./b",
                                       "/a",
                                       "a//b",
                                       "a/",
                                       ".env",
                                       "a/.b",
                                       "a\\b",
                                       "a\nb",
                                       "a\x7f",
                                       "...",
                                       "a/.well-known/x",
                                       ".well-known/..",
                                       ".well-knownx" };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!path_is_good(good[i]))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (path_is_good(bad[i]))
            fail_msg("%s is let through", bad[i]);
}

static void types_go_by_the_end_of_the_name(void **state)
{
    assert_string_equal(file_type("a/b.HTML")->type, "text/html; charset=utf-8");
    assert_string_equal(file_type("a.js/b")->type, "application/octet-stream");
    assert_string_equal(file_type("js")->type, "application/octet-stream");
    assert_string_equal(file_type("a.min.js")->type, "text/javascript; charset=utf-8");
}

/* ---- the folder ---- */

static int refusal; /* errno of each openat2(); 0: it is let through */

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long arguments[4];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2 && refusal) {
        errno = refusal;
        return -1;
    }
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3]);
}

static bool opens(const char *folder, const char *path)
{
    struct stat stat;
    int fd = open_inside(folder, path, &stat);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void run(const char *command, const char *folder)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "cd %s && %s", folder, command);
    assert_int_equal(system(text), 0);
}

/* Also where the kernel, or what guards the process, does not know how to stay in a folder. */
static void no_way_leads_out_of_the_folder(void **state)
{
    static const int refusals[] = { 0, ENOSYS, EPERM };
    static const char *const outside[] = { "out", "absolute", "up/secret", "sub/hop",
                                           "sub/up/secret" };
    char folder[] = "/tmp/einion-site-XXXXXX", site[64];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(site, sizeof(site), "%s/site", folder);
    run("echo s >secret && mkdir -p site/sub && cd site && echo f >file && echo g >sub/file && "
        "ln -s ../secret out && ln -s $PWD/../secret absolute && ln -s .. up && "
        "ln -s ../../secret sub/hop && ln -s ../.. sub/up && ln -s sub/file inside && mkfifo pipe",
        folder);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        refusal = refusals[i];
        assert_true(opens(site, "file"));
        assert_true(opens(site, "sub/file"));
        assert_int_equal(opens(site, "inside"), refusal == 0); /* else no link is followed */
        assert_false(opens(site, "pipe"));
        assert_false(opens(site, "sub"));
        assert_false(opens(site, "sub/none"));
        for (size_t k = 0; k < sizeof(outside) / sizeof(outside[0]); k++)
            if (opens(site, outside[k]))
                fail_msg("%s leads out (%d)", outside[k], refusal);
    }
    refusal = EAGAIN; /* for ever: somebody renames all the time */
    assert_false(opens(site, "file"));
    refusal = 0;
    run("rm -r site secret && rmdir $PWD", folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_encoding_is_taken),
        cmocka_unit_test(parts_are_within_the_file),
        cmocka_unit_test(paths_that_may_lead_astray_are_refused),
        cmocka_unit_test(types_go_by_the_end_of_the_name),
        cmocka_unit_test(no_way_leads_out_of_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
