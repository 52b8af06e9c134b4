#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# page.sh EMBED NAME HTML CSS JS POLICY: the C source of NAME_page, the one page that these three
# make, and of NAME_policy, a Content-Security-Policy that lets nothing else run in it and ends in
# what POLICY allows besides.
set -eu
embed=$1 name=$2 html=$3 css=$4 js=$5 more=$6
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

"$embed" "${name}_page" "$page"
cat <<END

extern const char ${name}_policy[];
const char ${name}_policy[] =
    "default-src 'none'; script-src 'sha256-$(hash_of "$js")'; style-src 'sha256-$(hash_of "$css")'; "
    "base-uri 'none'; form-action 'none'; $more";
END
