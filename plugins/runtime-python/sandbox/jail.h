/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "protocol.h"

#include <linux/filter.h>
#include <stdbool.h>

struct jail {
    struct sandbox_rules rules;
    struct sock_fprog filter;
    int landlock_fd; /* -1: none */
};

/* What Landlock this kernel knows (0: none), and a ruleset that lets a child read
 * `paths` and write /w/tmp; -1 where there is none. */
int jail_landlock(const char *const *paths, int *ret_abi);

/* Children inherit what is left; in a user namespace of their own it is full again. */
bool jail_drop_bounding_set(void);

/* In the child: gives up everything, in order.  `channel` and `output` become
 * descriptors 3 and 1 + 2, all others are closed.  Returns only if every step
 * worked; else says on the output which one failed and exits. */
void jail_enter(const struct jail *jail, uint32_t uid, int channel, int output);
