#!/bin/sh
# Installs the system packages that are missing and fills .venv; leaves alone what is there.
# A package that cannot be had is not the end yet: what cannot do without it says so itself.
set -eu
cd "$(dirname "$0")/.."

CLANGS="clang-22 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16" # the newest first
PYTHONS="python3.14 python3.13 python3.12 python3.11 python3"

main() {
    if command -v apt-get >/dev/null; then
        debian_packages
    elif command -v dnf >/dev/null; then
        fedora_packages
    else
        echo "Neither apt-get nor dnf here: libbpf >= 1.0 with its headers, clang >= 16 and gcc are yours to install"
    fi
    python=$(find_python) || {
        echo "whatran: no Python >= 3.11 with venv on PATH: install python3 and python3-venv of a newer release" >&2
        exit 1
    }
    fill_venv "$python"
}

debian_packages() {
    set -- libbpf1 libbpf-dev gcc libc6-dev make
    for package; do
        shift
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || set -- "$@" "$package"
    done
    find_python >/dev/null || set -- "$@" python3 python3-venv
    if [ $# -eq 0 ] && find_clang >/dev/null; then
        return
    fi
    step "Updating the package lists" apt-get -qq update
    find_clang >/dev/null || for clang in $CLANGS; do
        apt-cache show "$clang" >/dev/null 2>&1 || continue
        set -- "$@" "$clang" "llvm-${clang#clang-}"
        break # none at all is fine: zig has one
    done
    [ $# -eq 0 ] ||
        step "Installing $*" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$@"
}

fedora_packages() {
    set -- libbpf libbpf-devel gcc make
    for package; do
        shift
        rpm -q --quiet "$package" || set -- "$@" "$package"
    done
    find_python >/dev/null || set -- "$@" python3
    find_clang >/dev/null || set -- "$@" clang llvm
    [ $# -eq 0 ] || step "Installing $*" dnf -q -y install "$@"
}

step() {
    echo "$1"
    shift
    scripts/as-root.sh "$@" >/dev/null || echo "That did not work; going on without" >&2
}

find_python() {
    for python in $PYTHONS; do
        if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    return 1
}

find_clang() {
    for clang in clang $CLANGS; do
        version=$("$clang" -dumpversion 2>/dev/null) || continue
        if [ "${version%%.*}" -ge 16 ]; then
            echo "$clang"
            return
        fi
    done
    return 1
}

fill_venv() {
    echo "Filling .venv with $("$1" --version)"
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$1" -m venv --clear .venv
    set -- hatchling
    find_clang >/dev/null || set -- "$@" ziglang
    pip install "$@"
    .venv/bin/python hatch_build.py
    pip install --no-build-isolation --editable '.[dev]'
}

pip() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"
}

main
