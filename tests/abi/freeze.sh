#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Freezes the present headers as ABI 1.0: their copy, their layout, their description and a plugin
# built with them.  Run while 1.0 is being made; once it is released, what it wrote never changes,
# and a later minor version adds a folder (1.1/), a description (einion-1.1.abi) and lines.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$here/../../plugin-api/include
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$here/1.0/einion" "$here/old/x86_64-linux/1.0"
cp "$include"/einion/*.h "$here/1.0/einion/"
"$here/layout.py" layout >"$work/layout.c"
"$here/layout.py" probe >"$work/probe.c"
cp "$work/layout.c" "$work/probe.c" "$here/"

gcc -g -O0 -shared -fPIC -fdebug-prefix-map="$here"=. -I"$include" "$here/probe.c" -o "$work/probe.so"
abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$work/probe.so" >"$here/einion-1.0.abi"

gcc -O2 -shared -fPIC -fvisibility=hidden -s -Wl,--build-id=none -I"$include" \
    "$here/../../plugin-api/template/echo.c" -ljansson -o "$here/old/x86_64-linux/1.0/echo.so"
