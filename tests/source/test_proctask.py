import pytest

from whatran.source import proctask
from whatran.source.proctask import Parent, Process, read_cgroup, stat_of, task_of

STATUS = (
    b"Name:\ta\nTgid:\t42\nPPid:\t1\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nNStgid:\t42\t7\nNSpid:\t42\t7\n"
    b"CapEff:\t0000000000000000\n"
)


def stat(**given):
    """The text of /proc/PID/stat, with these of its fields."""
    fields = {f"f{number}": b"0" for number in range(4, 53)} | given
    return b"42 (a) S " + b" ".join(fields.values()) + b"\n"


@pytest.fixture
def proc(monkeypatch):
    """Has these as the contents of files, whosever they are."""
    files = {"stat": stat(), "status": STATUS, "cgroup": b"0::/\n", "loginuid": b"0", "sessionid": b"0"}
    monkeypatch.setattr(proctask, "read", lambda path: files[path.rpartition("/")[2]])
    return files


def task():
    """The task that these tell of."""
    return task_of(42, Process(42, 5, 0, proctask.UNKNOWN), stat_of(42), Parent(0, b""))


def test_cgroup_with_a_line_end_of_python_in_its_name(proc):
    """Only a line feed can be in no name."""
    proc["cgroup"] = b"1:pids:/p\r0::/q\n0::/a\rb\n"

    assert b"/a\rb" == read_cgroup(42)[1]


def test_terminal_of_a_large_number(proc):
    """The kernel shows it with a sign: from pts/524288 on it is negative."""
    dev = proctask.os.makedev(136, 524288)
    proc["stat"] = stat(f7=b"%d" % (dev - (1 << 32)))

    assert (True, 136 << 20 | 524288) == (dev >= 1 << 31, task().tty_dev)


def test_number_in_the_innermost_pid_namespace(proc):
    """It is the last."""
    assert 7 == task().ns_pid


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stat", b""),
        ("stat", b"42 (a) S 1 2"),
        ("stat", stat(f4=b"x")),
        ("stat", stat(f22=b"9" * 21)),
        ("stat", stat(f5=b"-1", f6=b"-1")),  # who is reaped just now
        ("status", b""),
        ("status", STATUS.replace(b"Uid:\t1", b"Uid:\t" + b"1" * 5_000)),
        ("status", STATUS.replace(b"Uid:\t1", b"Uid:\t4294967296")),
        ("status", STATUS.replace(b"0000000000000000", b"1" * 17)),
        ("loginuid", b"-5"),
    ],
)
def test_text_that_the_kernel_does_not_write(proc, name, text):
    """Nothing is known of that process, as if it were gone."""
    proc[name] = text
    with pytest.raises(ProcessLookupError):
        task()


@pytest.mark.parametrize("text", [b"", b"rchar", b"rchar: x\nwchar: -1\n", b"rchar: " + b"9" * 5_000])
def test_usage_that_is_none(proc, text):
    """It is as that which a kernel does not keep."""
    proc["io"] = proc["schedstat"] = text

    assert (0,) * 4 == proctask.thread_usage(42, 42)[-4:]
