"""Of the kernels' matrix what needs neither QEMU nor a network."""

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vmtest import __main__ as command
from vmtest.cpio import Archive
from vmtest.guest import Guest
from vmtest.kernels import Kernel, releases
from vmtest.page import row, said, write
from vmtest.result import read
from vmtest.selection import FEW, LEFT_OUT

ROOT = Path(__file__).parent.parent
KERNEL = Kernel("amd64", "6.1.0-9-cloud-amd64", Path("/nowhere"))

CONSOLE = """\
[    0.1] something of the kernel
....F.s                                                                  [100%]\r
=========================== short test summary info ============================\r
FAILED tests/ebpf/test_a.py::test_one[the file system] - AssertionError: assert 1 == 2\r
1 x Skipped: no v1 hierarchy of cgroups here\r
1 failed, 5 passed, 1 skipped in 61.02s (0:01:01)\r
"""


def test_last_build_of_a_series_comes_first():
    """Builds are in the order of their numbers, whatever package they are in; other flavours and machines are none."""
    known = [
        "linux-image-6.1.0-9-cloud-amd64",
        "linux-image-6.1.0-10-cloud-amd64",
        "linux-image-6.1.0-11-amd64",
        "linux-image-6.12.1+deb13-rt-amd64",
        "linux-binary-7.0.2+deb13-cloud-amd64",
        "linux-image-cloud-amd64",
    ]
    apt = SimpleNamespace(arch="amd64", names=lambda _prefix: known)

    assert ["6.1.0-10-cloud-amd64", "6.1.0-9-cloud-amd64"] == releases(apt, "6.1")
    assert ["6.12.1+deb13-rt-amd64"] == releases(apt, "6.12-rt")
    assert "7.0.2+deb13-cloud-amd64" == releases(apt, "newest")[0]
    assert [] == releases(apt, "6.12")


@pytest.fixture
def result(tmp_path):
    """The result by what is on a console."""

    def make(console):
        path = tmp_path / "console"
        path.write_text(console, newline="")
        return read(KERNEL, path, 61.4)

    return make


def test_result_is_what_pytest_said(result):
    """Counts, failed tests and reasons of skips are read from the console."""
    found = result(CONSOLE)

    assert {"failed": 1, "passed": 5, "skipped": 1} == found.counts
    assert ["tests/ebpf/test_a.py::test_one[the file system]"] == found.failures
    assert {"no v1 hierarchy of cgroups here": 1} == found.skips
    assert not found.passed


@pytest.mark.parametrize("console", ["", "[    1.0] Kernel panic", CONSOLE.rpartition("1 failed")[0]])
def test_guest_that_does_not_come_to_the_end(result, console):
    """It has not passed, and the last it said is shown."""
    found = result(console)

    assert not found.passed
    assert console.replace("\r", "").splitlines() == found.failures[1:]


def test_complaint_of_the_kernel(result):
    """Tests that pass while the kernel warns have not passed."""
    assert result("5 passed in 1.00s\n").passed
    assert ["BUG: soft lockup"] == result("5 passed in 1.00s\nkernel: BUG: soft lockup\n").failures


def test_failure_is_said_with_the_command_that_has_it_again(result):
    """Of a failed test the kernel and the test, of a kernel that did not end the kernel."""
    again = said(result(CONSOLE), "6.1").splitlines()[-1]

    assert "  again: make test-kernels ARGS='amd64/6.1 -- tests/ebpf/test_a.py::test_one'" == again
    assert "  again: make test-kernels ARGS='amd64/6.1'" == said(result(""), "6.1").splitlines()[-1]


def test_page(result, tmp_path):
    """It has a row for each kernel, and lists of what failed, was skipped, was not run and is not asked."""
    write(tmp_path / "kernels.md", {"amd64/6.1": row(result(CONSOLE), few=False)})

    lines = (tmp_path / "kernels.md").read_text().splitlines()
    assert 1 == len(
        [line for line in lines if line.startswith("| amd64/6.1 | 6.1.0-9-cloud-amd64 | all | 5 | 1 | 1 | 61 |")]
    )
    assert "- amd64/6.1: `tests/ebpf/test_a.py::test_one[the file system]`" in lines
    assert "- no v1 hierarchy of cgroups here: amd64/6.1 (1)" in lines
    assert "- arm64/newest" in lines
    assert "- amd64/6.1" not in lines
    assert all(f"- `{test}`: {reason}" in lines for test, reason in LEFT_OUT.items())
    assert all(f"- `{test}`" in lines for test in FEW)


def test_page_is_renewed_by_the_kernel(result, tmp_path):
    """A run of some kernels leaves the rows of the others as they were, in their order."""
    path = tmp_path / "kernels.md"
    failed, passed = row(result(CONSOLE), few=False), row(result("7 passed in 1.00s\n"), few=True)

    write(path, {"arm64/6.1": failed, "amd64/6.1": failed})
    before = path.read_text()
    write(path, {"amd64/6.1": passed})

    rows = [line for line in path.read_text().splitlines() if "6.1.0-9-cloud" in line]
    assert ["amd64/6.1", "few", "7", "0", "0"] == [rows[0].split(" | ")[at].strip("| ") for at in (0, 2, 3, 4, 5)]
    assert rows[1:] == [line for line in before.splitlines() if line.startswith("| arm64/6.1 ")]


def test_page_of_a_kernel_that_did_not_come_to_the_end(result, tmp_path):
    """It says so, and what was last on the console."""
    write(tmp_path / "kernels.md", {"amd64/6.1": row(result("[    1.0] Kernel panic"), few=True)})

    text = (tmp_path / "kernels.md").read_text()
    assert "| few | 0 | did not end | 0 |" in text
    assert "- amd64/6.1: `[    1.0] Kernel panic`" in text


def test_page_is_that_of_its_results(tmp_path):
    """`.venv/bin/python -m vmtest.page docs/kernels.md` writes it anew from the results beside it."""
    copy = tmp_path / "kernels.md"
    copy.with_suffix(".json").write_bytes((ROOT / "docs/kernels.json").read_bytes())
    write(copy, {})

    assert copy.read_text() == (ROOT / "docs/kernels.md").read_text()


def test_archive_is_one_of_cpio(tmp_path):
    """Files, directories, links and modes are in it, byte for byte as the format says."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    (folder / "link").symlink_to("target")
    (folder / "script").write_bytes(b"12345")
    (folder / "script").chmod(0o755)
    out = io.BytesIO()
    archive = Archive(out)

    archive.tree(folder, "folder")
    archive.close()

    found = dict(members(out.getvalue()))
    assert {
        b"folder": (0o40755, b""),
        b"folder/link": (0o120777, b"target"),
        b"folder/script": (0o100755, b"12345"),
        b"TRAILER!!!": (0, b""),
    } == found


def members(data):
    """Each member's name, mode and content: newc has 13 hexadecimal fields, then name and data, to multiples of 4."""
    at = 0
    while at < len(data):
        assert b"070701" == data[at : at + 6]
        mode, size, name = (int(data[at + 6 + 8 * field :][:8], 16) for field in (1, 6, 11))
        begin = at + 110
        content = begin + name + -(110 + name) % 4
        yield data[begin : begin + name - 1], (mode, data[content : content + size])
        at = content + size + -size % 4


def test_tests_that_are_named_exist():
    """What is left out of guests, and what the few are, is there under that name."""
    for name in [*LEFT_OUT, *FEW]:
        path, _, test = name.partition("::")
        assert (ROOT / path).exists()
        assert not test or f"def {test.partition('[')[0]}(" in (ROOT / path).read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["sparc/6.1"], "none of the kernels: sparc/6.1"),
        (["amd64/6.1", "-o", "kernels.md", "--", "tests/ebpf/test_fork.py"], "the page is of all tests or of few"),
    ],
)
def test_options_that_are_none(given, said):
    """What cannot be meant is said, before anything is fetched."""
    done = subprocess.run(
        [sys.executable, "-m", "vmtest", *given], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert (2, True) == (done.returncode, said in done.stderr)


@pytest.mark.parametrize(("option", "status", "begin"), [([], 1, "vmtest: "), (["--or-skip"], 0, "SKIPPED ")])
def test_what_is_not_to_be_had(monkeypatch, capsys, tmp_path, option, status, begin):
    """It is said, and is a failure but where it may be skipped."""
    monkeypatch.setattr(command, "CACHE", tmp_path)
    monkeypatch.setattr(command, "installed", lambda _arch: False)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["vmtest", "amd64/6.1", *option])

    with pytest.raises(SystemExit) as ended:
        command.main()

    assert (status, f"{begin}no emulator for amd64: install qemu-system-x86\n") == (
        int(ended.value.code),
        capsys.readouterr().err,
    )


def test_guest_that_takes_too_long_may_be_skipped(monkeypatch, capsys, tmp_path, result):
    """With what it said last; not so a guest that panics, or whose tests fail in time."""
    monkeypatch.setattr(command, "CACHE", tmp_path)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["vmtest", "amd64/6.1", "--or-skip", "--limit", "30"])
    result("[    1.0] late")
    guest = Guest("6.1", KERNEL, tmp_path, tmp_path / "console")
    monkeypatch.setattr(command, "_prepared", lambda *_: ([guest], []))

    said = {}
    for seconds in (31.0, 29.0):
        monkeypatch.setattr(command, "run", lambda *_, seconds=seconds: [(guest, seconds)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        said[seconds] = (int(ended.value.code), capsys.readouterr().err)

    skipped = "SKIPPED amd64/6.1: has not come to its end in 31 s: [    1.0] late\n"
    assert {31.0: (0, skipped), 29.0: (1, "")} == said
