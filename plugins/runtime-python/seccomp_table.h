/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* The filter of every child as a BPF program in a memfd, or an error.  Without
 * `files` it can open and change no file at all. */
int seccomp_table_compile(bool files, struct ein_error *err);
