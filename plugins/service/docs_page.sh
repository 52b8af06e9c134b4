#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs_page.sh EMBED HTML CSS JS: the C source of the one page that these three make, and of
# the Content-Security-Policy that lets nothing else run in it.
set -eu
embed=$1 html=$2 css=$3 js=$4
page=$(mktemp)
trap 'rm -f "$page"' EXIT

# What a policy calls a text: its SHA-256 in base64.
hash_of()
{
    octal=$(sha256sum <"$1" | awk '{
        for (i = 1; i < 64; i += 2)
            printf "\\%03o", 16 * digit(substr($1, i, 1)) + digit(substr($1, i + 1, 1))
    }
    function digit(c) { return index("0123456789abcdef", c) - 1 }')
    printf '%b' "$(printf '%s' "$octal" | sed 's/\\/\\0/g')" | base64
}

awk -v css="$css" -v js="$js" '
function put(file) { while ((getline line < file) > 0) print line }
/@CSS@/ { printf "<style>"; put(css); print "</style>"; next }
/@JS@/ { printf "<script>"; put(js); print "</script>"; next }
{ print }' "$html" >"$page"

"$embed" docs_page "$page"
cat <<END

extern const char docs_policy[];
const char docs_policy[] =
    "default-src 'none'; script-src 'sha256-$(hash_of "$js")'; style-src 'sha256-$(hash_of "$css")'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
END
