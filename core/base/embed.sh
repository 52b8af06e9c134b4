#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE NAME OUTPUT: a C file in which NAME is the text of FILE.
set -eu
{
    echo "extern const char $2[];"
    echo "const char $2[] = {"
    od -An -v -tx1 "$1" | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '0x00};'
} >"$3"
