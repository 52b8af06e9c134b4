#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD - installs BUILD into an empty folder, builds the template plugin away from the
# source with nothing but pkg-config, starts the installed server with it and calls its route.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$root/build}
work=$(mktemp -d)
server=
cleanup() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    [[ -z $server ]] || wait "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "out-of-tree: $1" >&2
    [[ ! -f $work/log ]] || cat "$work/log" >&2
    exit 1
}

DESTDIR=$work/root /usr/bin/meson install -C "$build" --no-rebuild --quiet

# The tree was made for its prefix: pkg-config is told where it lies for now.
pc=$(find "$work/root" -name einion-plugin.pc)
installed_prefix=$(sed -n 's/^prefix=//p' "$pc")
prefix=$work/root$installed_prefix
mkdir "$work/bin"
cat >"$work/bin/pkg-config" <<END
#!/bin/sh
PKG_CONFIG_PATH=${pc%/*} exec /usr/bin/pkg-config --define-variable=prefix=$prefix "\$@"
END
chmod +x "$work/bin/pkg-config"
export PATH=$work/bin:$PATH

cp -r "$root/plugin-api/template" "$work/mine"
cd "$work/mine"
make --silent
make --silent install
plugindir=$(pkg-config --variable=plugindir einion-plugin)
[[ -f $plugindir/echo.so ]] || fail "make install did not put echo.so into $plugindir"
[[ $(pkg-config --variable=abi_major einion-plugin) == 1 ]] || fail "abi_major is not 1"

cat >"$work/einion.yaml" <<END
plugins:
  service:
  echo:
    enabled: true
    prefix: "you said: "
END
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
EINION_STATE_DIR=$work/state "$prefix/bin/einion" --config "$work/einion.yaml" \
    --set "listen.port=$port" >"$work/log" 2>&1 &
server=$!

for _ in {1..200}; do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || fail "the installed server did not start"
    sleep 0.05
done
answer=$(/usr/bin/python3 - "$port" <<'END'
import sys, urllib.request
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/echo", b'{"text": "anvil"}', {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=10).read().decode())
END
) || fail "its route did not answer"
[[ $answer == '{"text":"you said: anvil"}' ]] || fail "it answered $answer"

kill "$server"
wait "$server" || fail "the installed server ended with status $?"
server=
echo "out-of-tree: $answer"
