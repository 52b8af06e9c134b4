#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# abi-additive.sh OLD.abi NEW.so - succeeds if NEW only adds to OLD.
#
# Not abidiff's own verdict: libabigail 2.2 exits alike for additions and for breaks.  Not a
# suppression file either: one that allows members inserted at the end also hides members that
# were swapped or retyped.  So the report, one change a line in leaf mode, is read.
set -u

[ $# -eq 2 ] || { echo "usage: abi-additive.sh OLD.abi NEW.so" >&2; exit 2; }
report=$(abidiff --leaf-changes-only "$1" "$2")
status=$?
if [ $((status & 3)) -ne 0 ]; then
    echo "abidiff failed with status $status"
    exit 1
fi
breaks='data member change|deletion|enumerator change|^ *type of|[1-9][0-9]* (Removed|Changed)'
if printf '%s\n' "$report" | grep -Eq "$breaks"; then
    printf '%s\n' "$report"
    exit 1
fi
