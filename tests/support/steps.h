/* SPDX-License-Identifier: Apache-2.0 */
/* How many instructions something takes, whatever else the machine does. */
#pragma once

/* The least of some runs of run(data), each in a child process that is single-stepped; negative:
 * this machine does not let itself be traced, or the thread sanitizer is at work, and the test
 * skips. */
long steps_of(void (*run)(void *data), void *data);
