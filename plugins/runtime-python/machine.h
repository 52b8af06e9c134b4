/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_MACHINE_H
#define RUNTIME_MACHINE_H

#include "runtime.h"

/* For `einion check`: builds the sandbox, attacks it, and says what keeps an agent in here. */
void machine_tell(const struct runtime *runtime, ein_say *say, void *data);

#endif
