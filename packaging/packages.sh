# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages, for the scripts that install them.  Sourced.

# What the server is built from, and what agents find in their Python.
# shellcheck disable=SC2034
packages_build=(
    meson ninja-build pkgconf gcc libc6-dev libulfius-dev liborcania-dev libyder-dev
    libjansson-dev libcurl4-gnutls-dev libsqlite3-dev libyaml-dev libseccomp-dev
    libgnutls28-dev libldap-dev libmicrohttpd-dev libpq-dev zlib1g-dev libbrotli-dev
    python3 python3-httpx
)

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    (($# == 0)) || printf '  %s\n' "$@" >&2
    exit 1
}

packages_missing() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        awk -v wanted="$*" '
            $2 == "installed" { have[$1] = 1 }
            END { n = split(wanted, name, " "); for (i = 1; i <= n; i++) if (!have[name[i]]) print name[i] }'
}

# The words to put before a command that needs root; ends the script if there are none.
packages_root=()
packages_become_root() {
    local line="apt-get install --no-install-recommends $*"

    if ((EUID == 0)); then
        return
    elif ! command -v sudo >/dev/null; then
        die "packages are missing, and there is no sudo to install them with." \
            "As root, run:" "$line"
    elif sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; then
        packages_root=(sudo)
    else
        die "packages are missing, and sudo does not let $(id -un) install them." \
            "Where sudo works, run:" "sudo $line"
    fi
}

# Installs those of the named packages that are missing; quick if none is.
packages_need() {
    local missing

    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        die "this is not a Debian system; it has no apt-get." \
            "Install by hand what Debian 12 calls:" "$*" "and build with meson as the README says."
    fi
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]})) || return 0

    echo "Installing: ${missing[*]}"
    packages_become_root "${missing[@]}"
    # A mirror that fails matters only if a package cannot be had without it.  A machine that has
    # just been started updates itself, and holds apt's lock meanwhile.
    "${packages_root[@]}" apt-get update -q || true
    "${packages_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" ||
        die "apt-get could not install: ${missing[*]}" \
            "What it said is above. It needs the network, and a mirror of Debian in /etc/apt."
}
