/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stddef.h>

/* Secrets that people type, or give in a file. */

void typed_forget(char **secret); /* overwrites, then frees */
#define EIN_SECRET __attribute__((cleanup(typed_forget)))

/* Takes blanks and line ends away from the end of TEXT. */
void typed_trim(char *text);

/* SIGINT, SIGTERM, SIGHUP: what its user ends a command with. */
void typed_ending_signals(sigset_t *ret_set);

/* A line that the terminal does not show, at most `size` - 1 bytes of it.  REMOTE_OK; REMOTE_USAGE:
 * there is no terminal; REMOTE_INTERRUPTED: nothing was typed.  Says nothing but PROMPT. */
int typed_ask(const char *prompt, char *line, size_t size);
