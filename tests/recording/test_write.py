"""What a Recorder writes, and where."""

import importlib
import os
import resource
import stat
from contextlib import contextmanager

import pytest

from tests.events import BOOT, WALL
from tests.recording.made import lifetime, planned, raw, record_blocks, replayed, tee_to
from tests.wire.frames import PROGRAM, exec_frame, exit_frame
from whatran.errors import OutputError, UsageError
from whatran.event import Exec, Fork, Gap
from whatran.process.containers import Container
from whatran.process.users import Names
from whatran.recording import format as form
from whatran.recording.store import FileEach, Memory, check_free, numbered
from whatran.replaying import replay
from whatran.stats import Stats

recording = importlib.import_module("whatran.recorder")


@pytest.fixture
def path(tmp_path):
    """Where a recording goes."""
    return tmp_path / "some.wr"


def rotated(path, *, files=None, per_file=2, number_of_files=4, lost=()):
    """A recording in several files; the events as they were live."""
    tee = tee_to(path, planned(), FileEach(path, files, overwrite=True), numbers=True)
    tee.older([], BOOT)
    number = 0
    for _ in range(number_of_files):
        if number:
            tee.recorder.end(form.NEXT, Stats())
            tee.recorder.older([], BOOT)
        for _ in range(per_file):
            number += 1
            if number not in lost:
                tee(lifetime(100 + number, number * 1_000_000, number), BOOT)
    tee.finish({(1, "sched_process_exec"): number}, 100_000_000, BOOT)
    tee.recorder.end(form.END, Stats())
    tee.recorder.close()
    return tee.events


def test_only_its_owner_can_read_it(path):
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        record_blocks(path)
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_file_in_its_place_is_kept(path):
    """Unless it may be overwritten."""
    path.write_text("mine")

    with pytest.raises(UsageError, match=r"some.wr already: name another with -o, or give --overwrite"):
        check_free(path, each=False, overwrite=False)
    check_free(path, each=False, overwrite=True)
    assert "mine" == path.read_text()


def test_files_of_a_rotation_in_its_place_are_kept(path):
    """Any of them."""
    path.with_name("some-0003.wr").touch()

    check_free(path, each=False, overwrite=False)
    with pytest.raises(UsageError, match=r"some-0003.wr already"):
        check_free(path, each=True, overwrite=False)


@pytest.mark.parametrize(("name", "says"), [("no/where.wr", "there is no directory"), ("x" * 300, "name too long")])
def test_where_no_file_can_be(tmp_path, name, says):
    """It is said before anything is started."""
    with pytest.raises(OutputError, match=says):
        check_free(tmp_path / name, each=False, overwrite=False)


def test_a_directory_in_its_place(tmp_path):
    """It is no name of a file."""
    with pytest.raises(UsageError, match="is a directory"):
        check_free(tmp_path, each=False, overwrite=False)


@pytest.mark.parametrize("each", [False, True])
def test_where_nobody_may_look(closed, each):
    """It is said, whether one file or several are to be made."""
    with pytest.raises(OutputError, match=r"cannot write to .*/o\.wr: Permission denied; name another file with -o"):
        check_free(closed / "o.wr", each=each, overwrite=False)


def test_overwriting_is_a_new_file(path):
    """Who had the old one open keeps it."""
    path.write_text("old")
    path.chmod(0o644)
    with path.open() as old:
        events = record_blocks(path)
        assert "old" == old.read()

    assert (0o600, (events, [])) == (stat.S_IMODE(path.stat().st_mode), replayed(path))


def test_a_long_batch_is_cut_into_blocks(path):
    """And is one batch all the same: what is out of order in it is put in order."""
    tee = tee_to(path, planned())
    tee.older([], BOOT)
    frames = [frame for number in range(1, 1001) for frame in lifetime(number, number * 1000, number)]
    tee([frame for kind in range(4) for frame in frames[kind::4]], BOOT)
    tee.recorder.close()
    shown, problems = replayed(path)

    assert (tee.events, 1) == (shown, len(problems))
    assert 4000 == len(shown)
    kinds = [kind for kind in map(form_kind, raw(path)[0]) if kind in {form.BATCH, form.MORE}]
    assert [form.BATCH, *[form.MORE] * 15] == kinds


def form_kind(record):
    """What a record is."""
    return int.from_bytes(record[24:28], "little")


def test_second_look_before_the_first_is_settled(path):
    """Who was found by the first is asked again: what that found is forgotten."""
    plans = planned()
    tee = tee_to(path, plans)
    living = exec_frame(flags=8, pid=50, tid=50, start_boot_ns=50, exec_id=3, unread=0b1101_1111_1111)
    tee.older([], BOOT)
    for _ in range(2):
        for event in tee.learn([living], BOOT):
            tee.complete(event, b"a\0b\0", None, plans.settings)
    tee.settle()
    tee.recorder.end(form.END, Stats())
    tee.recorder.close()

    assert (tee.events, []) == replayed(path)
    assert [["a", "b"]] == [each.argv for each in tee.events]


def test_all_that_a_pipeline_is_handed(path):
    """Who was there, what was not numbered, who lives, what is in their memory: the same events come of it."""
    plans = planned(env=True)
    tee = tee_to(path, plans)
    old = exec_frame(flags=8 | 16, pid=7, tid=7, comm=b"old", start_boot_ns=7, file=PROGRAM)
    living = exec_frame(flags=8, pid=50, tid=50, start_boot_ns=50, exec_id=3, unread=0b1101_1111_1111)
    other = exec_frame(flags=8, pid=51, tid=51, start_boot_ns=51, exec_id=3, unread=0b1101_1111_1111)
    tee.older([old], BOOT)
    tee([exec_frame(pid=9, tid=9, ppid=7, ppid_start_boot_ns=7, ppid_comm=b"old", head={"sequence": 3})], BOOT)
    tee.unnumbered({"sched_process_exec": 2}, 6_000, BOOT)
    first, second = tee.learn([old, living, other], BOOT)
    tee.complete(first, b"a\0\xff\0", b"X=1\0", plans.settings)
    tee.forget(second)
    tee([exit_frame(head={"time_boot_ns": 6_500})], BOOT)
    tee.settle()
    tee.unnumbered({"sched_process_exec": 2}, 7_000, BOOT)
    tee.finish({(1, "sched_process_exec"): 5}, 8_000, BOOT)
    tee.recorder.end(form.END, Stats())
    tee.recorder.close()

    assert (tee.events, []) == replayed(path)
    assert [2, 2, 2] == [each.count for each in tee.events if isinstance(each, Gap)]
    assert [("old",)] == [each.ancestors[:1] for each in tee.events if isinstance(each, Exec) and each.pid == 9]
    assert [(["a", "\udcff"], ["X=1"])] == [
        (each.argv, each.env) for each in tee.events if getattr(each, "repaired", False)
    ]


def test_names_are_those_of_the_recorded_machine(path, monkeypatch):
    """Users, groups and containers: whatever they are called where it is replayed."""
    cgroup = b"docker-" + b"a" * 64 + b".scope\0system.slice\0"
    monkeypatch.setattr(Names, "user", lambda _, uid: {5: "five", 6: "s\udcffx"}.get(uid))
    monkeypatch.setattr(Names, "group", lambda _, gid: None)
    monkeypatch.setattr(
        "whatran.process.containers._look_up",
        lambda _, container_id, __: Container(container_id, "name", "image", "pod", "space", "docker"),
    )
    tee = tee_to(path, planned())
    tee.older([], BOOT)
    for uid in (5, 6, 7):
        tee([exec_frame(texts={"cgroup": cgroup}, uid=uid, gid=1, head={"sequence": uid - 4})], BOOT)
        tee.recorder._chapter.flush(uid)  # each block stands by itself
    tee.recorder.close()
    monkeypatch.undo()
    shown, _ = replayed(path)

    assert tee.events == shown
    assert ["five", "s\udcffx", None] == [each.user for each in shown]
    assert {("a" * 64, "name", "image", "pod", "space")} == {
        (each.container_id, each.container_name, each.container_image, each.pod_name, each.pod_namespace)
        for each in shown
    }


def test_filters_of_a_recording_hold_when_it_is_replayed(path):
    """What they did not want is recorded in part only, and is not shown; more filters take away more."""
    tee = tee_to(path, planned(uid=[5, 6], filters=["comm!=x"]))
    tee.older([], BOOT)
    for number, (uid, comm) in enumerate([(5, b"a"), (6, b"a"), (7, b"a"), (5, b"x")], 1):
        tee([exec_frame(uid=uid, comm=comm, head={"sequence": number})], BOOT)
    tee.recorder.close()

    assert [5, 6] == [each.uid for each in replayed(path)[0]]
    assert [6] == [each.uid for each in replayed(path, filters=["uid!=5"])[0]]
    with replay([path]) as replaying:
        assert (["uid=5", "uid=6", "comm!=x"], True) == (replaying.headers[0].filters, replaying.headers[0].filtered)


def test_environment_when_it_is_replayed(path):
    """All of what was recorded, some variables of it, or nothing."""
    tee = tee_to(path, planned(env=True))
    tee.older([], BOOT)
    tee([exec_frame(texts={"env": b"A=1\0B=2\0"}, flags=4)], BOOT)
    tee.recorder.close()

    for env, expected in ((True, ["A=1", "B=2"]), (["B"], ["B=2"]), (False, None)):
        assert [expected] == [each.env for each in replayed(path, env=env)[0]]


def test_the_clock_is_set_meanwhile(path):
    """Each batch is dated by the clock of its time."""
    tee = tee_to(path, planned())
    tee.older([], BOOT)
    tee(lifetime(1, 1000, 1), BOOT)
    tee(lifetime(2, 2000, 2), BOOT._replace(wall_offset=WALL - 5000))
    tee.recorder.close()

    assert [1000, -3000] == [each.timestamp - WALL for each in replayed(path)[0] if isinstance(each, Fork)]


# -- several files ----------------------------------------------------------------------------


def test_files_in_any_order_are_one_recording(path):
    """As if there were one file: lives go on, and no gap is where one file ends."""
    events = rotated(path)
    files = numbered(path)

    assert [f"some-000{number}.wr" for number in range(1, 5)] == [file.name for file in files]
    assert (events, []) == replayed(*files)
    assert (events, []) == replayed(*reversed(files))


def test_a_file_in_the_middle_stands_alone(path):
    """It reports no gap for what was before it."""
    events = rotated(path)
    second = numbered(path)[1]

    assert (events[8:16], []) == replayed(second)


def test_a_loss_between_two_files_is_told_once(path):
    """By the file that comes after it, also alone."""
    events = rotated(path, lost=[3])
    shown, _ = replayed(*numbered(path))
    alone, _ = replayed(numbered(path)[1])

    gaps = [each for each in events if isinstance(each, Gap)]
    assert 4 == len(gaps)
    assert (events, gaps) == (shown, [each for each in alone if isinstance(each, Gap)])


def test_the_last_files_are_kept(path):
    """No more than so many are there at any time."""
    events = rotated(path, files=2)

    assert ["some-0003.wr", "some-0004.wr"] == [file.name for file in numbered(path)]
    assert (events[16:], []) == replayed(*numbered(path))


def test_rotation_starts_anew(path):
    """What another recording has left under these names does not stay among its files."""
    rotated(path, number_of_files=6)
    rotated(path, number_of_files=2)

    assert ["some-0001.wr", "some-0002.wr"] == [file.name for file in numbered(path)]


def test_a_file_that_is_missing_between_others(path):
    """It is said, and all the rest is shown."""
    events = rotated(path)
    first, _, third, fourth = numbered(path)
    shown, problems = replayed(first, third, fourth)

    assert events[:8] + events[16:] == shown
    assert [f"{third}: between this and the file before 1 are missing"] == problems


def test_the_same_file_twice(path):
    """Its events happened once."""
    record_blocks(path)
    with pytest.raises(UsageError, match=r"has what .* has: give one of them"):
        replayed(path, path)


def test_recordings_of_several_machines_are_merged(path):
    """In the order of time; processes with the same pid are not mixed up."""
    other = path.with_name("other.wr")
    boot = BOOT._replace(id="22222222-2222-4333-8444-555555555555", wall_offset=WALL + 500_000)
    events = [*record_blocks(path), *record_blocks(other, boot=boot)]
    shown, problems = replayed(path, other)

    assert (sorted(events, key=lambda each: each.timestamp), []) == (shown, problems)
    assert [BOOT.id, boot.id] * 5 == [each.boot_id for each in shown if isinstance(each, Fork)]


# -- in memory --------------------------------------------------------------------------------


def test_only_the_last_is_kept_in_memory(path):
    """What is older is dropped a part at a time, and nothing is written before it is asked for."""
    store = Memory(path, 10, overwrite=True)
    for now in range(0, 50, 5):
        store.begin(now)
        store.write(b"%d " % now)
    assert not path.exists()
    store.save()

    assert b"35 40 45 " == path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == [*path.parent.iterdir()]


def test_memory_is_written_each_time_it_is_asked_for(path):
    """All that is kept then."""
    tee = tee_to(path, planned(), Memory(path, 10**15, overwrite=True), numbers=True)
    tee.older([], BOOT)
    tee(lifetime(1, 1_000_000, 1), BOOT)
    tee.recorder.end(form.NEXT, Stats())
    tee.recorder.save()
    assert (tee.events, []) == replayed(path)
    tee.recorder.older([], BOOT)
    tee(lifetime(2, 2_000_000, 2), BOOT)
    tee.recorder.end(form.END, Stats())
    tee.recorder.close()

    assert (tee.events, []) == replayed(path)


def test_memory_that_cannot_be_written(path):
    """What the file had before is still there."""
    path.write_text("before")
    store = Memory(path, 10, overwrite=True)
    store.begin(0)
    store.write(b"x" * 5000)
    with small_files(4096), pytest.raises(OutputError, match="cannot write to"):
        store.save()

    assert ("before", [path]) == (path.read_text(), [*path.parent.iterdir()])


# -- no room ----------------------------------------------------------------------------------


@contextmanager
def small_files(size):
    """No file gets larger than this, within."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [6000, 8000, 8100])
def test_no_room(path, size, monkeypatch):
    """It ends with a whole block and goes on without; what is in it is whole, and that it is not all is said."""
    monkeypatch.setattr(recording, "FLUSH_NS", 0)
    tee = tee_to(path, planned())
    with small_files(size):
        tee.older([], BOOT)
        for number in range(1, 50):
            tee(lifetime(number, number * 1000, number, argv=os.urandom(50).hex().encode() + b"\0"), BOOT)
            tee.recorder.flush_due()
        tee.recorder.close()
    shown, problems = replayed(path)

    assert f"cannot write to {path}: File too large; nothing more is recorded" == str(tee.recorder.error)
    assert (tee.events[: len(shown)], 1) == (shown, len(problems))
    assert "it was not ended in order" in problems[0]
    assert 0 < len(shown) < len(tee.events)


def test_no_room_at_all(path):
    """Nothing is started."""
    with small_files(10), pytest.raises(OutputError, match="cannot write to"):
        record_blocks(path)
