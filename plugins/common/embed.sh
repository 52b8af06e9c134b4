#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh NAME FILE: writes FILE as the C array `NAME` and its length `NAME_len`.
set -eu
printf '#include <stddef.h>\n\n'
printf 'extern const unsigned char %s[];\nextern const size_t %s_len;\n\n' "$1" "$1"
printf 'const unsigned char %s[] = {\n' "$1"
od -An -v -tx1 "$2" | sed 's/\([0-9a-f][0-9a-f]\)/0x\1,/g'
printf '};\nconst size_t %s_len = sizeof(%s);\n' "$1" "$1"
