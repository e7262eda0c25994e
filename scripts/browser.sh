#!/bin/sh
# Installs the Chromium that the tests of the report's page look at it with, where there is none.
set -eu
cd "$(dirname "$0")/.."

for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null && exit
done
echo "Installing chromium"
if command -v apt-get >/dev/null; then
    scripts/as-root.sh apt-get -qq update >/dev/null || true
    set -- env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends chromium
elif command -v dnf >/dev/null; then
    set -- dnf -q -y install chromium
else
    set -- false
fi
scripts/as-root.sh "$@" >/dev/null || echo "That did not work; going on without" >&2
