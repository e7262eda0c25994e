#!/bin/sh
# Installs the QEMU that guests run in, by Debian's name for its package, where it is not there; says whether it is.
set -eu
cd "$(dirname "$0")/.."

case $1 in
    qemu-system-x86) program=qemu-system-x86_64 ;;
    qemu-system-arm) program=qemu-system-aarch64 ;;
esac
command -v "$program" >/dev/null && exit
echo "Installing $1"
if command -v apt-get >/dev/null; then
    scripts/as-root.sh apt-get -qq update >/dev/null || true
    scripts/as-root.sh env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$1" >/dev/null || true
fi
command -v "$program" >/dev/null
