/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zygote.h"

/* Lets real children of this zygote attack the machine and demands that every attack
 * is stopped.  UNAVAILABLE with the name of the one that was not. */
int selftest_run(struct zygote *zygote, const struct settings *settings, const char *folder,
                 zygote_exit_fn *exited, void *data, struct ein_error *err);
