/* SPDX-License-Identifier: Apache-2.0 */
/* What a zygote may answer to an order. */
#include "sandbox/protocol.h"
#include "unit.h"
#include "zygote.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void no_exit(struct child *child, int status, uint32_t cpu_ms, void *data)
{
    fail();
}

/* What becomes of an order that is answered with this, and no descriptor. */
static int spawn_with(struct sandbox_report report, size_t len, bool *ret_closed)
{
    struct settings settings = { .limits = { .uid_base = 100000 } };
    struct zygote zygote = { .errors = -1 };
    struct child *child = NULL;
    struct ein_error err = { 0 };
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    char order[64], byte;
    struct iovec part = { order, sizeof(order) };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    int ends[2], given[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    zygote.control = ends[0];
    assert_int_equal(send(ends[1], &report, len, 0), len);
    int r = zygote_spawn(&zygote, &settings, no_exit, NULL, &child, &err);
    assert_null(zygote.children);

    assert_int_equal(recvmsg(ends[1], &header, 0), sizeof(struct sandbox_spawn));
    memcpy(given, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(given));
    *ret_closed = read(given[0], &byte, 1) == 0;
    for (int i = 0; i < 2; i++) {
        close(given[i]);
        close(ends[i]);
    }
    return r;
}

static void a_child_that_nobody_could_kill_is_let_go(void **state)
{
    struct sandbox_report report = { .op = OP_SPAWNED, .pid = 7 };
    bool closed;

    assert_int_equal(spawn_with(report, sizeof(report), &closed), EIN_E_BUSY);
    assert_true(closed);
}

static void answers_that_make_no_sense_end_the_zygote(void **state)
{
    struct sandbox_report report = { .op = OP_SPAWNED, .pid = 7 };
    bool closed;

    assert_int_equal(spawn_with(report, sizeof(report) - 1, &closed), EIN_E_UNAVAILABLE);
    assert_true(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_nobody_could_kill_is_let_go),
        cmocka_unit_test(answers_that_make_no_sense_end_the_zygote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
