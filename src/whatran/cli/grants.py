"""How whatran gets by without root: what to type, as this machine and this user need it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

GRANTED = ("bpf", "perfmon", "dac_read_search")
"""To load the program, to read the kernel's memory with it, to read the names of everybody's containers."""

PREFIX = "/opt/whatran"


def lines(login: str = "USER", group: str = "GROUP") -> list[str]:
    """Three ways, for this user; what each gives away is in docs/security.md."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    capabilities = ",".join(f"+{name}" for name in GRANTED)
    names = " ".join(f"CAP_{name.upper()}" for name in GRANTED)
    program = shlex.quote(str(Path(sys.argv[0]).absolute()))
    return [
        "without root (docs/security.md says what each of these gives away):",
        "  once:",
        f"    sudo prlimit --memlock=unlimited setpriv --reuid={login} --regid={group} --init-groups \\",
        f"      --inh-caps={capabilities} --ambient-caps={capabilities} {program}",
        "  for all in one group, by a Python that nobody else may execute:",
        "    sudo groupadd --system whatran",
        f"    sudo install -d -m 0750 -g whatran {PREFIX}",
        f"    sudo {python} -m venv --copies {PREFIX}",
        f"    sudo {PREFIX}/bin/pip install whatran",
        f"    sudo setcap {','.join(f'cap_{name}' for name in GRANTED)}=ep {PREFIX}/bin/{python}",
        "  as a service (the whole unit: contrib/whatran.service):",
        "    [Service]",
        "    DynamicUser=yes",
        f"    AmbientCapabilities={names}",
        f"    CapabilityBoundingSet={names}",
        "    LimitMEMLOCK=infinity",
        f"    ExecStart={PREFIX}/bin/whatran record --rotate 1h --files 24",
    ]
