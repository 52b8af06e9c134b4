/* SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"
#include "hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void uuid_make(char ret_text[UUID_SIZE])
{
    unsigned char b[16];
    char hex[2 * sizeof(b) + 1];

    /* So few bytes are never cut short once the kernel's pool is up, and it is. */
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        abort();
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    hex_encode(b, sizeof(b), hex);
    (void)snprintf(ret_text, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}
