#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what tests talk to and npm has:
# npm.sh FOLDER provider|emulator
set -euo pipefail

case $2 in
provider) package=oidc-provider@8.8.1 ;;
emulator) package=firebase-tools@13.35.1 ;; # 200 MB
*) exit 2 ;;
esac

folder=$1/$2
if [[ -f $folder/.done && $(<"$folder/.done") == "$package" ]]; then
    exit 0
fi
mkdir -p "$folder"
npm install --prefix "$folder" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "$package"
echo "$package" >"$folder/.done"
