#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of npm that tests talk to:
# npm.sh FOLDER
set -euo pipefail

packages=(oidc-provider@8.8.1)

folder=$1
if [[ -f $folder/.done && $(<"$folder/.done") == "${packages[*]}" ]]; then
    exit 0
fi
mkdir -p "$folder"
npm install --prefix "$folder" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "${packages[@]}"
echo "${packages[*]}" >"$folder/.done"
