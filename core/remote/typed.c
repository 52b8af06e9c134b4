/* SPDX-License-Identifier: Apache-2.0 */
#include "typed.h"

#include "cleanup.h"
#include "remote.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3 };

void typed_forget(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
}

void typed_trim(char *text)
{
    size_t len = strlen(text);

    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
}

void typed_ending_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGHUP);
}

/* Ctrl-C is read as the end of it, and a signal waits until the echo is on again: nothing ends the
 * process without.  Its length; 0: none. */
static size_t read_unseen(int terminal, const struct termios *before, const char *prompt,
                          char *line, size_t size)
{
    struct termios silent = *before;
    sigset_t ending, others;
    ssize_t len = 0;

    typed_ending_signals(&ending);
    (void)pthread_sigmask(SIG_BLOCK, &ending, &others);
    EIN_CLOSE int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    struct pollfd wait_for[] = { { .fd = terminal, .events = POLLIN },
                                 { .fd = signals, .events = POLLIN } };

    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = CTRL_C;
    (void)tcsetattr(terminal, TCSAFLUSH, &silent);
    (void)dprintf(terminal, "%s", prompt);
    if (poll(wait_for, 2, -1) > 0 && !wait_for[1].revents)
        len = read(terminal, line, size);
    (void)tcsetattr(terminal, TCSAFLUSH, before);
    (void)pthread_sigmask(SIG_SETMASK, &others, NULL);
    return len > 0 ? (size_t)len : 0;
}

int typed_ask(const char *prompt, char *line, size_t size)
{
    EIN_CLOSE int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before;

    if (terminal < 0 || tcgetattr(terminal, &before) < 0)
        return REMOTE_USAGE;
    line[read_unseen(terminal, &before, prompt, line, size - 1)] = '\0';
    (void)dprintf(terminal, "\n");
    typed_trim(line);
    return *line == '\0' || strchr(line, CTRL_C) ? REMOTE_INTERRUPTED : REMOTE_OK;
}
