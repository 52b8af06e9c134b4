#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh NAME FILE: a C file in which NAME is the text of FILE, NUL-ended.
set -eu
echo "extern const char $1[];"
echo "const char $1[] = {"
od -An -v -tx1 "$2" | sed "s/ *\([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"
echo "0};"
