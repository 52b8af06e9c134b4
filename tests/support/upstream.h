/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The misbehaving server of upstream.py, in a process of its own on a free port. */
struct upstream {
    int pid, input;
    int port;
};

int upstream_start(struct upstream *upstream); /* 0, or -1 */
void upstream_stop(struct upstream *upstream);
