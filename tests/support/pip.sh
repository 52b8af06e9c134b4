#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes a virtual environment of what the Python Package Index has: pip.sh FOLDER httpx
set -euo pipefail

case $2 in
httpx)
    packages=(httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 idna==3.20 certifi==2026.10.19.post1
        typing_extensions==4.16.0)
    ;;
opentelemetry)
    packages=(opentelemetry-proto==1.45.2 protobuf==7.36.2)
    ;;
*) exit 2 ;;
esac

folder=$1/$2
if [[ -f $folder/.done && $(<"$folder/.done") == "${packages[*]}" ]]; then
    exit 0
fi
rm -rf "$folder"
/usr/bin/python3 -m venv --without-pip "$folder"
/usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --disable-pip-version-check --root-user-action ignore \
    --target "$(echo "$folder"/lib/python3*/site-packages)" "${packages[@]}"
echo "${packages[*]}" >"$folder/.done"
