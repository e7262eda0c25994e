import pytest

from bench.monitors import MONITORS
from bench.told import Place


@pytest.mark.parametrize(
    ("monitor", "written", "expected"),
    [
        (
            "execsnoop (libbpf-tools)",
            (
                "PCOMM            PID    PPID   RET ARGS\n"
                "sh               10344  7256     0 /usr/bin/sh -c true\n"
                "a) R 1 (b        11232  7256     0 /tmp/a) R 1 (b\n"
                "sh               10345  7256    -2 /usr/bin/missing\n"
            ),
            2,
        ),
        (
            "strace -f",
            (
                '10 execve("/bin/sh", ["sh"], 0x7 /* 9 vars */) = 0\n'
                '11 execve("/bin/true", ["true"], 0x7 /* 9 vars */ <unfinished ...>\n'
                "11 <... execve resumed>)             = 0\n"
                '12 execve("/bin/no", ["no"], 0x7 /* 9 vars */) = -1 ENOENT (No such file or directory)\n'
            ),
            2,
        ),
    ],
)
def test_execs_are_counted_whatever_their_names_are(tmp_path, monitor, written, expected):
    """A line counts once, with spaces in the name of the process too; attempts that failed do not."""
    place = Place(tmp_path, tmp_path, tmp_path)
    place.out.write_text(written)
    (count,) = [each.count(place) for each in MONITORS if each.name == monitor]
    assert expected == count
