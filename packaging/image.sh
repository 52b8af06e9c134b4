#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds a container image of the server: Debian's packages and ours, and nothing else.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/packages.sh
source "$root/packaging/packages.sh"

usage() {
    cat <<'END'
usage: packaging/image.sh OUT.tar [PACKAGE.deb]

builds an image for "docker load -i OUT.tar" or "podman load -i OUT.tar", and beside it
OUT.cdx.json, which says what is in it, and OUT.seccomp.json, the filter it runs under. Neither docker nor podman is needed for that. Without
PACKAGE.deb the package is built, too.

  SUITE               of Debian (bookworm)
  MIRROR              from which its packages come (as mmdebstrap has it)
  SOURCE_DATE_EPOCH   the time that all files have (that of the last commit)
END
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
esac
[[ ($# == 1 || $# == 2) && $1 != -* ]] || { usage >&2 && exit 2; }
out=$(realpath "$1")

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
packages_need mmdebstrap
if [[ ${2:-} ]]; then
    cp "$2" "$work/einion.deb"
else
    "$root/packaging/deb.sh" "$work"
    mv "$work"/einion_*.deb "$work/einion.deb"
fi
version=$(dpkg-deb -f "$work/einion.deb" Version)

# What only a person at a shell would read, or dpkg and apt, which have no more to do, would use.
without=(
    '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/lintian/*'
    '/usr/share/bash-completion/*'
)
with=('/usr/share/doc/*/copyright' '/usr/share/doc/einion/*' '/usr/share/locale/locale.alias')

cat >"$work/finish" <<'END'
#!/bin/sh
set -eu
root=$1
sbom=$2 version=$3 deb=$4
rm -rf "$root$(dirname "$deb")" "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/* "$root"/var/cache/ldconfig/* \
    "$root"/var/log/* "$root"/var/lib/dpkg/*-old "$root"/etc/*-
# Nothing in it gives anybody more rights than he has.
find "$root" -xdev -perm /6000 -type f -exec chmod a-s {} +
echo 'einion:x:10001:10001:einion:/var/lib/einion:/usr/sbin/nologin' >>"$root/etc/passwd"
echo 'einion:x:10001:' >>"$root/etc/group"
install -d -m 700 -o 10001 -g 10001 "$root/var/lib/einion"
python3 "$sbom" --image "$version" "$root" >"$root/usr/share/doc/einion/image.cdx.json"
END
chmod 755 "$work/finish"

mmdebstrap --variant=essential --include="$work/einion.deb" --quiet \
    "${without[@]/#/--dpkgopt=path-exclude=}" "${with[@]/#/--dpkgopt=path-include=}" \
    --essential-hook="mkdir -p \"\$1$work\" && cp $work/einion.deb \"\$1$work\"" \
    --customize-hook="$work/finish \"\$1\" $root/packaging/sbom.py $version $work/einion.deb" \
    --customize-hook="cat \"\$1/usr/share/doc/einion/image.cdx.json\" >$work/image.cdx.json" \
    "${SUITE:-bookworm}" "$work/layer.tar" ${MIRROR:+"$MIRROR"}
python3 "$root/packaging/image.py" "$version" "$(dpkg --print-architecture)" "$work/layer.tar" "$out"
cp "$work/image.cdx.json" "${out%.tar}.cdx.json"
cp "$root/packaging/container/seccomp.json" "${out%.tar}.seccomp.json"
ls -sh "$out"
