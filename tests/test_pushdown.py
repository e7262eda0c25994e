import pytest

from whatran.filter import equals, parse
from whatran.pushdown import push_down
from whatran.wire import layout
from whatran.wire.settings import Settings


def _pushed(*conditions):
    return push_down(conditions, Settings())


def test_exact_values_go_to_the_kernel():
    """uid, comm and event without wildcards leave nothing to be filtered here."""
    settings, left = _pushed(equals("uid", 0), equals("uid", 7), parse("comm=make"), parse("event=sched_process_exec"))

    assert ((0, 7), (b"make",), (layout.EXEC,), []) == (settings.uids, settings.comms, settings.kinds, left)


@pytest.mark.parametrize(
    "text",
    ["uid=1*", "uid!=0", "uid=root", "uid=01", "uid=4294967296", "comm=ma?e", "comm=sixteen-bytes-ab"],
)
def test_what_the_kernel_cannot_compare_stays_here(text):
    """Globs, negations and values that no task has are judged event by event."""
    condition = parse(text)

    assert (Settings(), [condition]) == _pushed(condition)


def test_one_glob_keeps_all_alternatives_of_its_field_here():
    """Of uid=0 and uid=1* either is enough, so the kernel may not insist on the first."""
    conditions = [equals("uid", 0), parse("uid=1*")]

    assert (Settings(), conditions) == _pushed(*conditions)


def test_more_than_the_kernel_can_list_stays_here():
    """The lists in the settings are short."""
    conditions = [equals("uid", uid) for uid in range(layout.SETTINGS_UIDS + 1)]

    assert (Settings(), conditions) == _pushed(*conditions)


def test_conditions_on_programs_need_every_exec():
    """Exits are judged by execs, so none may be dropped before it was seen."""
    conditions = [parse("event=sched_process_exit"), parse("pathname=/bin/*")]

    assert (Settings(), conditions) == _pushed(*conditions)


def test_settings_are_packed_as_the_kernel_has_them():
    """Kinds as bits, lists padded with zeros."""
    packed = Settings(
        kinds=(layout.EXEC, layout.EXIT),
        scoped=True,
        uids=(5,),
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
        "want_env": 0,
        "want_threads": 0,
        "wakeup_bytes": 1024,
        "uid_count": 1,
        "comm_count": 1,
        "max_argv": 0xFFFFFFFF,
        "max_env": 7,
        "reserved": 0,
        "uids": b"\5" + bytes(63),
        "comms": b"cc1" + bytes(125),
        "command": b"whatran-1" + bytes(7),
    } == fields
