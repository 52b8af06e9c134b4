#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, runs every suite and ends with one line
# `N passed, N failed, N skipped`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/packages.sh
source "$root/packaging/packages.sh"

packages_tests=(
    libcmocka-dev postgresql pgbouncer clang libclang-rt-dev abigail-tools g++ nginx-light wrk mandoc
    python3-pytest python3-yaml python3-cryptography python3-pip shellcheck curl openssl slapd
    ldap-utils brotli systemd
)

usage() {
    cat <<'END'
usage: tests/run.sh [--full] [--from BUILD] [SUITE...]

Without SUITE, all of them: those of meson (meson test --list) and the folders of tests/
that pytest runs (http, abi, crash, ...).  Each runs in two builds: plain (build/, every
warning an error) and with the address and undefined-behaviour sanitizers (build-asan/).

  --full   adds a browser, the Firebase emulator, the Debian package (build-deb/), the thread
           sanitizer (build-tsan/), a minute (EIN_FUZZ_SECONDS) of fuzzing for each target
           (build-fuzz/), two of storage-differ, and 50 rounds of the crash tests: 100 kills in the
           middle of tickets and streams, 200 among calls that cost money; every attack with each
           layer of the sandbox left out, and an hour (EIN_SOAK_SECONDS) of 200 runs at a time
  --from   begins with this build, leaving out those before it; they come in the order build,
           build-asan, build-tsan, build-fuzz

What fails keeps nothing after it from running.  The end says what took how long, what failed, and
in its last line how much of each; the exit status is 1 if anything failed.
END
}

full=false
from=
suites=()
while (($#)); do
    case $1 in
    --full) full=true ;;
    --from)
        from=${2:-}
        [[ $from =~ ^build(-asan|-tsan|-fuzz)?$ ]] || { usage >&2 && exit 2; }
        [[ ! $from =~ tsan|fuzz ]] || full=true
        shift
        ;;
    --help | -h) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *) suites+=("$1") ;;
    esac
    shift
done

results=()  # files that tally.py reads
failures=() # what failed that no such file knows of
fuzzed=0    # targets of the fuzzer that passed
times=()    # what took 10 s or longer
# They look at the source, at documents, or at what clients of others make of answers that the
# other suites have the server make with sanitizers, too.
plain_only="lint docs browser sdk"
crash_rounds=5
fuzz_seconds=${EIN_FUZZ_SECONDS:-60}
if $full; then
    crash_rounds=50
    export EIN_FULL=1 EIN_DIFFER_SECONDS=60
fi

say() { printf '\n==== %s (%(%H:%M:%S)T)\n' "$1" -1; }

fail() {
    failures+=("FAILED $1")
    printf 'FAILED: %s\n' "$1"
}

took() { # took SINCE WHAT
    local seconds=$((SECONDS - $1))
    ((seconds < 10)) || times+=("$(printf '%6d s  %s' "$seconds" "$2")")
}

# Is it this build's turn?
turn() {
    [[ $from != "$1" ]] || from=
    [[ -z $from ]]
}

# build DIR MESON-OPTION...
build() {
    local dir=$1 since=$SECONDS
    shift
    say "building $dir"
    if [[ ! -f $root/$dir/build.ninja ]]; then
        /usr/bin/meson setup "$root/$dir" "$root" "$@" >"$root/$dir.setup.log" 2>&1 || {
            cat "$root/$dir.setup.log"
            fail "meson setup $dir $*"
            return 1
        }
    fi
    ninja -C "$root/$dir" --quiet || {
        fail "the build in $dir"
        return 1
    }
    took "$since" "building $dir"
}

meson_suites() {
    /usr/bin/meson introspect "$root/$1" --tests |
        /usr/bin/python3 -c 'import json, sys
print(*sorted({suite.split(":")[-1] for test in json.load(sys.stdin) for suite in test["suite"]}), sep="\n")'
}

pytest_suites() { # the longest first
    (cd "$root/tests" && printf '%s\n' */test_*.py | cut -d/ -f1 | sort | uniq -c | sort -k1,1nr -k2 | awk '{ print $2 }')
}

wanted() { # wanted SUITE: is it to run?
    local suite
    ((${#suites[@]})) || return 0
    for suite in "${suites[@]}"; do
        [[ $suite != "$1" ]] || return 0
    done
    return 1
}

# run_meson DIR TIMES: meson's suites, allowing TIMES the usual time.
run_meson() {
    local dir=$1 log=$root/$1/meson-logs/testlog.json suite status=0 chosen=() since=$SECONDS
    while read -r suite; do
        wanted "$suite" && chosen+=(--suite "$suite")
    done < <(meson_suites "$dir")
    ((${#chosen[@]})) || return 0
    ((${#suites[@]})) || chosen=()

    say "meson test in $dir"
    rm -f "$log"
    EIN_CRASH_ROUNDS=$crash_rounds /usr/bin/meson test -C "$root/$dir" --no-rebuild --print-errorlogs \
        --num-processes 2 --timeout-multiplier "$2" "${chosen[@]}" || status=$?
    took "$since" "meson test in $dir"
    collect "$log" "$dir-meson.json"
    # Failed tests are in the log; anything else that went wrong is not.
    ((status == 0)) || grep -qE '"result": "(FAIL|TIMEOUT|ERROR|INTERRUPT|UNEXPECTEDPASS)"' "$log" ||
        fail "meson test in $dir ended with status $status"
}

# Three at a time: they wait more than they compute.
suites_at_once=3
declare -A running=() # process -> suite, or the half of one
declare -A started=() # process -> when

run_suite() { # run_suite DIR SCALE SUITE[.HALF]: all of its files, or every other one
    local files=("$root/tests/${3%.*}"/test_*.py) half=${3##*.} chosen=() i
    for ((i = 0; i < ${#files[@]}; i++)); do
        [[ $half == "$3" ]] || ((i % 2 == half)) || continue
        chosen+=("${files[i]}")
    done
    EIN_BUILD=$root/$1 EIN_TEST_SCALE=$2 EIN_CRASH_ROUNDS=$crash_rounds \
        /usr/bin/python3 -m pytest -c "$root/tests/pytest.ini" --junitxml="$root/$1/meson-logs/$3.xml" \
        -q --tb=short "${chosen[@]}" >"$root/$1/meson-logs/$3.log" 2>&1 </dev/null
}

await_suite() { # await_suite DIR: one that has ended, and what it printed
    local dir=$1 pid suite status=0
    wait -n -p pid "${!running[@]}" || status=$?
    suite=${running[$pid]}
    unset "running[$pid]"
    say "tests/$suite against $dir"
    took "${started[$pid]}" "tests/$suite against $dir"
    cat "$root/$dir/meson-logs/$suite.log"
    collect "$root/$dir/meson-logs/$suite.xml" "$dir-$suite.xml"
    ((status <= 1)) || fail "pytest of tests/$suite against $dir ended with status $status"
}

# run_pytest DIR SCALE: the suites that talk to the server of DIR.
run_pytest() {
    local dir=$1 scale=$2 suite
    while read -r suite; do
        wanted "${suite%.*}" || continue
        [[ $dir == build || ! " $plain_only " == *" $suite "* ]] || continue
        ((${#running[@]} < suites_at_once)) || await_suite "$dir"
        rm -f "$root/$dir/meson-logs/$suite.xml"
        run_suite "$dir" "$scale" "$suite" &
        running[$!]=$suite
        started[$!]=$SECONDS
    done < <(pytest_suites | sed 's/^http$/http.0\nhttp.1/') # as long as all others together
    while ((${#running[@]})); do
        await_suite "$dir"
    done
}

collect() { # collect FILE NAME
    if [[ -s $1 ]]; then
        cp "$1" "$root/build/results/$2"
        results+=("$root/build/results/$2")
    else
        fail "$2: no result"
    fi
}

run_fuzzers() {
    local target name since=$SECONDS
    wanted fuzz || return 0
    for target in "$root"/build-fuzz/tests/fuzz/fuzz_*; do
        [[ -f $target && -x $target ]] || continue
        name=${target##*/}
        say "$fuzz_seconds s of $name"
        mkdir -p "$root/build-fuzz/corpus/$name"
        if "$target" -max_total_time="$fuzz_seconds" -timeout=10 -artifact_prefix="$root/build-fuzz/$name-" \
            "$root/build-fuzz/corpus/$name" "$root/tests/fuzz/corpus/${name#fuzz_}" >"$root/build-fuzz/$name.log" 2>&1; then
            tail -n 2 "$root/build-fuzz/$name.log"
            fuzzed=$((fuzzed + 1))
        else
            tail -n 40 "$root/build-fuzz/$name.log"
            fail "$name; its input is build-fuzz/$name-*"
        fi
    done
    took "$since" "fuzzing"
}

check_suites() { # every suite named on the command line exists
    local suite known
    known=" $({ meson_suites build && pytest_suites; } | sort -u | tr '\n' ' ')"
    for suite in "${suites[@]}"; do
        [[ $known == *" $suite "* ]] || die "there is no suite '$suite'" "There are:$known"
    done
}

packages_need "${packages_build[@]}" "${packages_tests[@]}"
# Whoever has Node.js from elsewhere has npm with it, which Debian's package would not go with.
command -v npm >/dev/null || packages_need nodejs npm
if $full; then
    packages_need chromium chromium-driver
fi
mkdir -p "$root/build/results"
for package in provider aimock anthropic anthropic-1 bedrock genai ollama openai mcp-everything mcp-dual mcp-sdk mcp-client pouchdb; do
    "$root/tests/support/npm.sh" "$root/build/npm" "$package" || fail "what npm installs as $package"
done
for package in httpx opentelemetry; do
    "$root/tests/support/pip.sh" "$root/build/pip" "$package" || fail "what pip installs as $package"
done
if $full; then
    "$root/tests/support/npm.sh" "$root/build/npm" emulator || fail "the emulator that npm installs"
    if "$root/packaging/deb.sh" "$root/build/results"; then
        "$root/packaging/image.sh" "$root/build/results/einion.image.tar" "$root"/build/results/einion_*.deb || fail "the container image"
        # A system for the package to be installed on, with systemd.
        mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
            --include="systemd-sysv,dbus,$(echo "$root"/build/results/einion_*.deb)" bookworm "$root/build/results/einion.service.tar" ||
            fail "the system with the package"
    else
        fail "the Debian package"
    fi
fi
took 0 "installing what the tests need"

if turn build && build build -Dwerror=true; then
    check_suites
    run_meson build 4
    ! $full || export EIN_SOAK_SECONDS="${EIN_SOAK_SECONDS:-3600}"
    run_pytest build 1
    unset EIN_SOAK_SECONDS
fi

crash_rounds=2
if turn build-asan && CC=clang build build-asan -Db_sanitize=address,undefined -Db_lundef=false; then
    export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
    run_meson build-asan 10
    run_pytest build-asan 3
    unset UBSAN_OPTIONS
fi

if $full; then
    if turn build-tsan && CC=clang build build-tsan -Db_sanitize=thread -Db_lundef=false; then
        export TSAN_OPTIONS="suppressions=$root/tests/tsan.supp halt_on_error=0 exitcode=66"
        run_meson build-tsan 20
        run_pytest build-tsan 6
        unset TSAN_OPTIONS
    fi
    if turn build-fuzz && CC=clang build build-fuzz -Dfuzzers=true -Db_sanitize=address,undefined -Db_lundef=false; then
        run_fuzzers
    fi
fi

say "what took how long"
printf '%s\n' "${times[@]}" | sort -rn
say "result"
((${#failures[@]} == 0)) || printf '%s\n' "${failures[@]}"
exec /usr/bin/python3 "$root/tests/tally.py" --passed "$fuzzed" --failed "${#failures[@]}" "${results[@]}"
