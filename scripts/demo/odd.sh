# SPDX-License-Identifier: Apache-2.0
# What a recording of a kernel is made of, see scripts/golden.py: it needs no more than a shell and its tools.
printf '#!/bin/sh -e\necho "$1" | tr a-z A-Z\n' >script
chmod +x script
./script hello
nosuch --version
env PATH=/nowhere:/usr/bin:/bin true "$(printf 'two\nlines')" "$(printf '\377 \033[31mred')" ''
sh -c 'kill -9 $$'
sh -c 'sh -c "sleep 0.1; exit 4" & exit 0'
sleep 0.3
exec env LANG=C false
