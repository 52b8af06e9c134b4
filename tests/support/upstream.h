/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

/* The misbehaving server of upstream.py, in a process of its own on a free port. */
struct upstream {
    int pid, input;
    int port;
};

int upstream_start(struct upstream *upstream); /* 0, or -1 */
void upstream_stop(struct upstream *upstream);

#endif
