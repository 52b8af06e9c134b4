/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum { UUID_SIZE = 37 }; /* bytes, with the NUL */

/* A random UUID (version 4) in lower-case hexadecimal. */
void uuid_make(char ret_text[UUID_SIZE]);
