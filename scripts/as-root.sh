#!/bin/sh
# Runs a command as root: as we are, or by sudo, saying so. Where neither can be it runs all the
# same, for it is the command that knows best what it cannot do without.
set -eu

if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
if command -v sudo >/dev/null; then
    echo "Using sudo: $*" >&2
    if sudo true; then
        # Root must leave no files of its own in the user's folder; whatran is to run commands as root too.
        exec sudo env -u SUDO_UID \
            "PATH=$PATH" \
            "HOME=$HOME" \
            "WHATRAN_REQUIRE_BROWSER=${WHATRAN_REQUIRE_BROWSER-}" \
            "WHATRAN_REQUIRE_EBPF=${WHATRAN_REQUIRE_EBPF-}" \
            "HYPOTHESIS_STORAGE_DIRECTORY=/root/.cache/hypothesis" \
            "PYTEST_ADDOPTS=-p no:cacheprovider" \
            "PYTHONDONTWRITEBYTECODE=1" \
            "$@"
    fi
fi
echo "Going on without root, as there is no sudo for us" >&2
exec "$@"
