#!/bin/sh
# Installs the monitors that make bench compares with, from Debian or Ubuntu. None of them is started.
set -eu
cd "$(dirname "$0")/.."

command -v apt-get >/dev/null || {
    echo "No apt-get here: the monitors to compare with are yours to install" >&2
    exit 1
}
scripts/as-root.sh apt-get -qq update
# Without these auditd would start with its installation, and at every boot from then on record what it is asked to.
scripts/as-root.sh env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 \
    apt-get -qq -y install --no-install-recommends auditd bpftrace forkstat libbpf-tools strace >/dev/null
echo "Installed. auditd will start at the next boot, unless: systemctl disable auditd"
