#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh SOURCE FOLDER: the configuration of the service, whose data lie in /var/lib/einion
# whoever gives a command.  One that is there already is the administrator's.
set -eu

to=${DESTDIR:-}$2/einion.yaml
[ ! -e "$to" ] || exit 0
mkdir -p "${to%/*}"
# shellcheck disable=SC2016
sed 's|:-${XDG_STATE_HOME:-${HOME}/.local/state}/einion}|:-/var/lib/einion}|' "$1" >"$to"
