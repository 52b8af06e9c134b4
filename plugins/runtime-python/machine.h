/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime.h"

/* For `einion check`: builds the sandbox, attacks it, and says what keeps an agent in here. */
void machine_tell(const struct runtime *runtime, ein_say *say, void *data);
