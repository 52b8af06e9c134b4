#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the server needs, builds it and starts it: one command on a fresh machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${EINION_BUILD_DIR:-$root/build-release}
# shellcheck source=packaging/packages.sh
source "$root/packaging/packages.sh"

usage() {
    cat <<'END'
usage: packaging/run.sh [--login] [--port N] [--state DIR] [-- ARGUMENT...]

  --login        people log in, as one of the users of config/auth.dev.yaml
  --port N       listen on 127.0.0.1:N instead of 127.0.0.1:8000
  --state DIR    keep the database in DIR instead of ~/.local/state/einion
  -- ARGUMENT... given to the server as they are; see einion --help
END
}

port=8000
login=
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
state=${EINION_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/einion}
while (($#)); do
    case $1 in
    --login) login=yes && shift ;;
    --port) port=${2:?--port needs a number} && shift 2 ;;
    --state) state=${2:?--state needs a folder} && shift 2 ;;
    --help | -h) usage && exit 0 ;;
    --) shift && break ;;
    *) usage >&2 && exit 2 ;;
    esac
done
if [[ ! $port =~ ^[0-9]{1,5}$ ]] || ((10#$port < 1 || 10#$port > 65535)); then
    die "'$port' is not a port"
fi

packages_need "${packages_build[@]}" curl

if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    die "port $port of 127.0.0.1 is in use, perhaps by an earlier einion." \
        "End that, or choose another port: packaging/run.sh --port $((10#$port < 65535 ? 10#$port + 1 : 8000))"
fi

if [[ ! -f $build/build.ninja ]]; then
    /usr/bin/meson setup "$build" "$root" --buildtype=release -Dtests=false
fi
ninja -C "$build" --quiet || die "the build failed; what the compiler said is above."

mkdir -p "$state" || die "the folder $state cannot be made; choose another with --state DIR."
export EINION_STATE_DIR=$state
einion=("$build/core/einion" --set "listen.port=$port" "$@")
url=http://127.0.0.1:$port
try=$(sed "s|URL|$url|g" "$root/packaging/try.txt")
if [[ $login ]]; then
    export AUTH_CONFIG_PATH=$root/config/auth.dev.yaml
    export FRONTEND_URL=${FRONTEND_URL:-http://localhost:3000,http://127.0.0.1:3000,$url}
    try=$(sed "s|URL|$url|g" "$root/packaging/try-login.txt")
fi
plugins=$("${einion[@]}" plugins) || die "the server cannot list its plugins; what it said is above."

cat <<END

einion at $url, data in $state

Plugins:
  ${plugins//$'\n'/$'\n'  }

Try:

$try

Ctrl-C ends the server.

END
exec "${einion[@]}"
