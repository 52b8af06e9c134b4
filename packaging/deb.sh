#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds a Debian package of the server.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${EINION_DEB_BUILD_DIR:-$root/build-deb}
# shellcheck source=packaging/packages.sh
source "$root/packaging/packages.sh"

usage() {
    cat <<'END'
usage: packaging/deb.sh [DIR]

builds einion_VERSION_ARCHITECTURE.deb in DIR (.).  To install it, as root:

  apt-get install ./einion_*.deb

DEBFULLNAME and DEBEMAIL are those of its maintainer; SOURCE_DATE_EPOCH is the time its files have.
END
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
-*) usage >&2 && exit 2 ;;
esac
(($# <= 1)) || { usage >&2 && exit 2; }
out=$(realpath "${1:-.}")

packages_need "${packages_build[@]}" dpkg-dev
if [[ ! -f $build/build.ninja ]]; then
    /usr/bin/meson setup "$build" "$root" --prefix=/usr --buildtype=release -Dtests=false >/dev/null
fi
ninja -C "$build" --quiet || die "the build failed; what the compiler said is above."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
DESTDIR=$tree /usr/bin/meson install -C "$build" --no-rebuild --quiet --strip >/dev/null
find "$tree/usr/share/man" -type f -exec gzip -9n {} +
install -Dm644 -t "$tree/usr/share/doc/einion" "$root/README.md" "$root/packaging/guide.md"
install -Dm644 -t "$tree/usr/share/doc/einion/examples" "$root/packaging/nginx/einion.conf" \
    "$root/packaging/container/"* "$root/plugin-api/template/"*
install -Dm644 "$root/packaging/debian/copyright" "$tree/usr/share/doc/einion/copyright"

# dpkg-shlibdeps says which packages have the libraries; it wants a source package round it.
mkdir "$work/debian"
printf 'Source: einion\n\nPackage: einion\nArchitecture: any\n' >"$work/debian/control"
mapfile -t files < <(find "$tree/usr" -type f \( -name '*.so' -o -perm -100 \) -exec sh -c \
    'head -c 4 "$1" | grep -q ELF && echo "$1"' sh {} \;)
depends=$(cd "$work" && dpkg-shlibdeps -O "${files[@]}" 2>"$work/said") || die "dpkg-shlibdeps: $(<"$work/said")"

version=$(/usr/bin/meson introspect "$build" --projectinfo | sed -n 's/.*"version": "\([^"]*\)".*/\1/p')
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-einion} <${DEBEMAIL:-einion@localhost}>"
cp -r "$root/packaging/debian" "$tree/DEBIAN"
printf 'einion (%s) stable; urgency=medium\n\n  * Built from its source.\n\n -- %s  %s\n' "$version" "$maintainer" \
    "$(date -uR -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")" | gzip -9n >"$tree/usr/share/doc/einion/changelog.gz"
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/" \
    -e "s/@SIZE@/$(du -ks "$tree/usr" | cut -f1)/; s/@DEPENDS@/${depends#shlibs:Depends=}/" \
    -e "s/@MAINTAINER@/$maintainer/" "$tree/DEBIAN/control.in" >"$tree/DEBIAN/control"
rm "$tree/DEBIAN/control.in" "$tree/DEBIAN/copyright"
"$root/packaging/sbom.py" "$version" "$tree" "$(sed -n 's/^Depends: //p' "$tree/DEBIAN/control")" >"$work/sbom"
install -m644 "$work/sbom" "$tree/usr/share/doc/einion/sbom.cdx.json"
(cd "$tree" && find usr etc -type f -exec md5sum {} +) >"$tree/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$tree" "$out/einion_${version}_$architecture.deb"
