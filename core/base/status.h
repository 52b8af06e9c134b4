/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

int error_status(int code);       /* the HTTP status that says the same */
const char *error_text(int code); /* a sentence, where nobody knew a better one */
