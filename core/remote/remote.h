/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The commands of those who use a server, by its REST API only: they start nothing here. */

extern const char remote_usage[]; /* a line for each command, for people */
/* The same for completion.bash. */
void remote_list(FILE *out);

/* Is one of them meant?  Then it is at the front of argv afterwards; options may have stood there.
 */
bool remote_is_meant(int argc, char **argv);
/* The first word of each command; their number is returned, at most MAX. */
size_t remote_names(const char **ret_names, size_t max);
/* argv[0] is a command.  The exit status, which enum remote_status names. */
int remote_run(int argc, char **argv);

enum remote_status {
    REMOTE_OK = 0,
    REMOTE_FAILED = 1, /* the server says no, the agent failed, or stdout takes no more */
    REMOTE_USAGE = 2,
    REMOTE_NOBODY = 3,   /* no server is reached, or it does not know who asks */
    REMOTE_CONFLICT = 4, /* what would be written over is not what was pulled */
    REMOTE_INTERRUPTED = 130
};
