import pytest

from whatran.filter import equals, parse, without
from whatran.pushdown import push_down
from whatran.wire import layout
from whatran.wire.settings import Settings

ALL = sum(layout.GATHERED)
CWD, ARGV, CGROUP = 1 << 5, 1 << 6, 1 << 10


def _pushed(*conditions):
    return push_down(conditions, Settings())


def test_exact_values_go_to_the_kernel():
    """uid and comm without wildcards are decided before a record is made."""
    settings = _pushed(equals("uid", 0), equals("uid", 7), parse("comm=make"))

    assert Settings(uids=(0, 7), comms=(b"make",)) == settings


def test_exact_negations_go_to_the_kernel():
    """Where nothing says what is wanted, what is not wanted is kept out there."""
    settings = _pushed(parse("uid!=0"), parse("uid!=7"), parse("comm!=make"))

    assert Settings(uids=(0, 7), uids_unwanted=True, comms=(b"make",), comms_unwanted=True) == settings


def test_what_is_wanted_comes_before_what_is_not():
    """The kernel has one list for a field; the rest is judged event by event."""
    assert Settings(uids=(7,)) == _pushed(equals("uid", 7), parse("uid!=0"))


@pytest.mark.parametrize(
    "text",
    ["uid=1*", "uid!=1*", "uid=root", "uid=01", "uid=4294967296", "comm=ma?e", "comm=sixteen-bytes-ab"],
)
def test_what_the_kernel_cannot_compare_stays_here(text):
    """Globs and values that no task has are judged event by event."""
    assert Settings() == _pushed(parse(text))


def test_one_glob_keeps_all_alternatives_of_its_field_here():
    """Of uid=0 and uid=1* either is enough, so the kernel may not insist on the first."""
    conditions = [equals("uid", 0), parse("uid=1*")]

    assert Settings() == _pushed(*conditions)


def test_more_than_the_kernel_can_list_stays_here():
    """The lists in the settings are short."""
    conditions = [equals("uid", uid) for uid in range(layout.SETTINGS_UIDS + 1)]

    assert Settings() == _pushed(*conditions)


def test_conditions_on_programs_need_every_exec():
    """Exits are judged by execs, so none may be dropped before it was seen."""
    assert Settings() == _pushed(equals("uid", 0), parse("pathname=/bin/*"))


def test_fields_that_nobody_asked_for_are_not_read():
    """What comes of the same reading is read if any of it is asked for, be it by a condition."""
    asked = push_down([parse("cwd=/tmp/*")], Settings(), ["pid", "unit", "argv"])

    assert (0, ALL & ~(CWD | ARGV | CGROUP)) == (push_down([], Settings()).unwanted, asked.unwanted)


EXECS, FAILED, LIVES = {layout.EXEC}, {layout.FAILED}, {layout.FORK, layout.EXIT}


@pytest.mark.parametrize(
    ("fields", "texts", "kinds"),
    [
        (["inode"], [], EXECS),
        (["inode", "argv"], [], EXECS | FAILED),
        (["errno"], [], EXECS | FAILED),
        (["inode", "exit_code"], [], EXECS | LIVES),
        (["child_pid"], [], EXECS | LIVES),
        (["inode", "pid"], [], EXECS | FAILED | LIVES),
        (["pid"], ["event=*_exec"], EXECS),
        (["pid"], ["event!=*_exec", "event!=process_*"], EXECS | LIVES),
        (["exit_code"], ["pathname=/bin/*"], EXECS | LIVES),
        (["inode", "tried"], ["event=*_exec"], EXECS | FAILED),
        (["inode"], ["tried=*"], EXECS | FAILED | LIVES),
        (["ancestors"], [], EXECS | LIVES),
        (["inode"], ["creator_pid=1"], EXECS | LIVES),
        (["inode", "argv"], ["pathname=/bin/*"], EXECS | FAILED | LIVES),
        (["inode"], ["uid=0"], EXECS),
        (None, ["event=*_exec"], EXECS | FAILED | LIVES),
    ],
)
def test_events_that_nobody_asked_for_are_not_sent(fields, texts, kinds):
    """Unless others cannot be told or judged without: who made whom, and what its last exec was."""
    conditions = [parse(text) for text in (*texts, *without(fields or ()))]

    assert kinds == set(push_down(conditions, Settings(), fields).kinds)


def test_events_that_are_not_to_be_told_are_not_sent_whatever_is_asked():
    """--failed none and fields of theirs."""
    assert layout.FAILED not in push_down([], Settings(kinds=(layout.EXEC,)), ["errno", "pid"]).kinds


def test_settings_are_packed_as_the_kernel_has_them():
    """Kinds as bits, lists padded with zeros."""
    packed = Settings(
        kinds=(layout.EXEC, layout.EXIT),
        scoped=True,
        use_pids=True,
        uids=(5,),
        uids_unwanted=True,
        comms=(b"cc1",),
        max_env=7,
        command=b"whatran-1",
        ring_bytes=4096,
    ).pack()

    fields = dict(
        zip((name for name, _ in layout.SETTINGS), layout.SETTINGS_STRUCT.unpack(packed), strict=True),
    )
    assert {
        "kinds": 0b1010,
        "scoped": 1,
        "use_pids": 1,
        "want_env": 0,
        "want_threads": 0,
        "ring_bytes": 4096,
        "uid_count": 1,
        "comm_count": 1,
        "max_argv": 0xFFFFFFFF,
        "max_env": 7,
        "uids_unwanted": 1,
        "comms_unwanted": 0,
        "cgroup_count": 0,
        "not_cgroup_count": 0,
        "rate_limit": 0,
        "unwanted": 0,
        "uids": b"\5" + bytes(63),
        "comms": b"cc1" + bytes(125),
        "command": b"whatran-1" + bytes(7),
    } == fields
