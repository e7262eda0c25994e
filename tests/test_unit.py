"""The unit of systemd."""

import shutil
import subprocess
from pathlib import Path

import pytest

from whatran.cli import grants

UNIT = Path(__file__).parent.parent / "contrib/whatran.service"


def test_doctor_names_what_is_in_the_unit():
    """What whatran doctor says that a unit needs is there, to the letter."""
    said = [line.strip() for line in grants.lines()]
    said = said[said.index("[Service]") :]

    assert sorted(said) == sorted(line for line in UNIT.read_text().splitlines() if line in said)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path):
    """Each line means something to it, where whatran is where it says."""
    unit = tmp_path / "whatran.service"
    unit.write_text(UNIT.read_text().replace("/opt/whatran/bin/whatran", "/bin/true"))

    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
