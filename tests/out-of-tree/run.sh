#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD - installs BUILD into an empty folder, builds the template plugins away from the
# source with nothing but pkg-config, starts the installed server with them, calls the route of the
# one and the model of the other.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$root/build}
work=$(mktemp -d)
server=
upstream=
cleanup() {
    [[ -z $upstream ]] || kill "$upstream" 2>/dev/null || true
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
for plugin in echo llm-lines; do
    [[ -f $plugindir/$plugin.so ]] || fail "make install did not put $plugin.so into $plugindir"
done
[[ $(pkg-config --variable=abi_major einion-plugin) == 1 ]] || fail "abi_major is not 1"

# A server of models that speaks in lines, for llm-lines.
cat >"$work/upstream.py" <<'END'
import http.server, json, pathlib, sys
class Lines(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say("small\n")
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.say('"You said "\n' + json.dumps(asked["prompt"].strip()) + '\n{"stop": "stop", "input": 3, "output": 2}\n')
    def say(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lines)
pathlib.Path(sys.argv[1]).write_text(str(server.server_port))
server.serve_forever()
END
/usr/bin/python3 "$work/upstream.py" "$work/upstream.port" &
upstream=$!
for _ in {1..2400}; do
    [[ -s $work/upstream.port ]] && break
    sleep 0.05
done

cat >"$work/einion.yaml" <<END
plugins:
  service:
  storage-sqlite: {path: $work/state/einion.db}
  vault: {key_file: $work/state/vault.key}
  audit:
  users: {journal: $work/state/ledger}
  models: {watch_ms: 20}
  openai-api:
  house:
    plugin: llm-lines
    base_url: http://127.0.0.1:$(<"$work/upstream.port")
  echo:
    enabled: true
    prefix: "you said: "
END
port=$(PYTHONPATH=$root/tests/support /usr/bin/python3 -c 'import ports; print(ports.free_port())')
EINION_STATE_DIR=$work/state "$prefix/bin/einion" --config "$work/einion.yaml" \
    --set "listen.port=$port" >"$work/log" 2>&1 &
server=$!

for _ in {1..2400}; do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || fail "the installed server did not start"
    sleep 0.05
done
answer=$(/usr/bin/python3 - "$port" <<'END'
import sys, urllib.request
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/echo", b'{"text": "anvil"}', {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=60).read().decode())
END
) || fail "its route did not answer"
[[ $answer == '{"text":"you said: anvil"}' ]] || fail "it answered $answer"

said=$(/usr/bin/python3 - "$port" <<'END'
import json, sys, time, urllib.error, urllib.request
url = f"http://127.0.0.1:{sys.argv[1]}"
def listed():
    try:
        return json.load(urllib.request.urlopen(url + "/providers/house/models")) == ["small"]
    except urllib.error.HTTPError:
        return False
end = time.monotonic() + 120
while not listed() and time.monotonic() < end:
    time.sleep(0.02)
body = {"model": "house/small", "messages": [{"role": "user", "content": "hammer"}]}
request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
answer = json.load(urllib.request.urlopen(request, timeout=60))
print(answer["choices"][0]["message"]["content"], answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"])
END
) || fail "its model did not answer"
[[ $said == 'You said user: hammer 3 2' ]] || fail "its model said $said"

kill "$server"
wait "$server" || fail "the installed server ended with status $?"
server=
echo "out-of-tree: $answer"
echo "out-of-tree: house/small: $said"
