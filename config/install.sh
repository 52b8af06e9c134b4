#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh SOURCE FOLDER: the configuration of the service.  One that is there already is the
# administrator's.
set -eu

to=${DESTDIR:-}$2/einion.yaml
[ ! -e "$to" ] || exit 0
mkdir -p "${to%/*}"
cp "$1" "$to"
