/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ulfius allocates a hundred small things for a request and frees all of them at its end, on the
 * thread of the connection: they lie in a piece of memory of that thread. */

/* Before ulfius is started. */
void scratch_install(void);
/* A request begins on this thread: what there was of the one before is gone. */
void scratch_begin(void);
