#!/bin/sh
# The first process of a guest: mounts what a machine has, runs the tests, switches off.
export PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 TERM=dumb WHATRAN_REQUIRE_EBPF=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
# A clock of the emulated board may be none.
[ "$(date +%s)" -ge "$(stat -c %Y /project/pytest.args)" ] || date -s "@$(stat -c %Y /project/pytest.args)" >/dev/null
for module in /modules/"$(uname -r)"/*.ko; do
    [ ! -e "$module" ] || insmod "$module"
done
cd /project || exit
eval "set -- $(cat pytest.args)"
# All takes ten times as long. A session of its own without a terminal, and output to a pipe, as everywhere else.
setsid --wait python3 -m pytest -p no:cacheprovider -q -rfE --tb=short -o faulthandler_timeout=900 "$@" </dev/null 2>&1 | cat
# Lockups and stalls are the emulator's, where its machine has other things to do.
dmesg --notime | sed -nE '/lockup/d; s/^.*(BUG|WARNING|Oops): /kernel: &/p'
echo o >/proc/sysrq-trigger
sleep 60
