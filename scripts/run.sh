#!/bin/sh
# Follows the shell command in $COMMAND, or else a small real build, and shows what ran.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS MAKELEVEL MFLAGS # a make that we follow is none of our own make's

if [ -z "${COMMAND-}" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    if command -v cc >/dev/null; then
        set -- make --no-print-directory -C scripts/demo "OUT=$out"
    else
        set -- scripts/demo/check.sh echo
    fi
else
    set -- sh -c -- "$COMMAND"
fi

printf 'Following: %s\n' "${COMMAND:-$*}" | cat -v >&2

if [ "$(id -u)" -ne 0 ] && [ -e src/whatran/source/whatran.bpf.o ] && command -v sudo >/dev/null && sudo true; then
    # whatran needs root for eBPF, the command does not.
    set -- scripts/as-root.sh .venv/bin/whatran -- \
        setpriv "--reuid=$(id -u)" "--regid=$(id -g)" --init-groups "$@"
else
    set -- .venv/bin/whatran -- "$@"
fi

status=0
"$@" || status=$?
exit "$status"
