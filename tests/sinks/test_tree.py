"""The process tree."""

import re
import tracemalloc
from operator import attrgetter

import pytest

from tests.events import MS, S, make_alert, make_exec, make_exit, make_failed, make_fork, make_gap
from whatran.event import Exit
from whatran.sinks.text import columns
from whatran.sinks.tree import MAX_INDENT, TreeView


def life(pid, creator, at, argv=None, *, code=0, ms=5, **end):
    """All events of a process that `creator` (pid, start in ms) forked at a time in ms."""
    parent = {"ppid": creator[0], "ppid_start_time": creator[1] * MS}
    yield make_fork(pid, child_start=at * MS, pid=creator[0], start=creator[1] * MS)
    if argv:
        yield make_exec(argv, pid=pid, start=at * MS, at=at * MS + 1, **parent)
    yield make_exit(code, pid=pid, start=at * MS, at=(at + ms) * MS, **parent | end)


def root(argv=("make",), *, ms=100):
    """All events of the process (100, 100) that nobody was seen to fork."""
    return [make_exec(argv, at=101 * MS), make_exit(at=(100 + ms) * MS)]


def draw(file, *events, limit=None):
    """The lines of the tree without its header, of events in the order of time."""
    sink = TreeView(file.output, limit)
    sink.write(sorted(events, key=attrgetter("timestamp_boot")))
    sink.close()
    return file.lines[1:]


def test_what_could_not_be_executed_is_shown_where_it_was_tried(file):
    """After the program that tried, with the reason; also where the process goes on and ends well."""
    lines = draw(
        file,
        *root(("sh",)),
        *life(101, (100, 100), 110, code=127),
        make_failed("/usr/bin/cc", argv=["cc", "a b.c"], pid=101, start=110 * MS, at=112 * MS),
        *life(102, (100, 100), 120, ("env", "x")),
        make_failed("/x", errno=13, tried=("/bin/x",), pid=102, start=120 * MS, at=122 * MS),
    )

    assert [
        "  99.0ms        sh",
        "  5.00ms  127   ├─ (fork) true → /usr/bin/cc 'a b.c' (ENOENT)",
        "  5.00ms        └─ env x → x (EACCES)",
    ] == lines[:-1]


def test_a_build(file):
    """Children stand under their creator in the order of their start, with duration and failure before them."""
    lines = draw(
        file,
        *root(("make", "-j2")),
        *life(103, (102, 110), 112, ("as", "a.s")),
        *life(101, (100, 100), 130, ("cc", "b c.c"), code=1, ms=1),
        *life(102, (100, 100), 110, ("cc", "a.c"), signal_code=11, core_dumped=True),
    )

    assert [
        "  99.0ms                make -j2",
        "  5.00ms  SIGSEGV core  ├─ cc a.c",
        "  5.00ms                │  └─ as a.s",
        "  1.00ms  1             └─ cc 'b c.c'",
        "4 processes, 4 execs, 2 failed, 99.0ms (user 4.00ms, system 8.00ms, largest 1.00 MiB)",
    ] == lines
    assert "DURATION  EXIT          COMMAND" == file.lines[0]


def test_a_chain_of_execs_is_one_line(file):
    """What a process executed one after the other is a chain on its line."""
    lines = draw(
        file, make_exec(("sh", "-c", "exec make"), at=101 * MS), make_exec(("make",), at=102 * MS), make_exit()
    )

    assert [
        "  9.00ms        sh -c 'exec make' → make",
        "1 process, 2 execs, 0 failed, 9.00ms (user 1.00ms, system 2.00ms)",
    ] == lines


def test_a_process_that_goes_on(file):
    """A process without an end is running."""
    assert " running        daemon" == draw(file, make_exec(("daemon",)))[0]


def test_a_double_fork_stays_under_its_creator(file):
    """A daemon, whose parent has gone, is drawn where it came from, and says who adopted it."""
    lines = draw(
        file,
        *root(("sh",)),
        *life(101, (100, 100), 110, None, comm="sh"),
        make_fork(102, child_start=111 * MS, pid=101, start=110 * MS),
        make_exec(("daemon",), pid=102, start=111 * MS, at=200 * MS, ppid=1, ppid_comm="init"),
    )

    assert ["sh", "└─ (fork) sh", "   └─ (adopted by 1 init) daemon"] == [line[16:] for line in lines[:-1]]


def test_forks_that_end_well_are_only_counted(file):
    """A process that only forked is drawn where it failed or something below it executed."""
    lines = draw(
        file,
        *root(("sh",)),
        *life(101, (100, 100), 110, None),
        *life(102, (100, 100), 111, None, code=127),
        *life(103, (100, 100), 112, None),
        *life(104, (103, 112), 113, ("ls",)),
        *life(105, (103, 112), 114, None),
    )

    assert ["sh", "├─ (fork) true", "└─ (fork) true", "   └─ ls"] == [line[16:] for line in lines[:-1]]
    assert lines[-1].startswith("6 processes, 2 execs, 1 failed, 99.0ms (")
    assert lines[-1].endswith("); 2 forks without exec not shown")


def test_a_shell_that_was_there_before(file):
    """A creator older than the watch heads what it started, and is not counted."""
    lines = draw(
        file,
        make_fork(101, child_start=110 * MS, pid=50, start=1, comm="bash"),
        make_exec(("ls",), pid=101, start=110 * MS, at=111 * MS, ppid=50, ppid_start_time=1),
        make_exit(pid=101, start=110 * MS, at=112 * MS, ppid=50, ppid_start_time=1, user_time=0),
    )

    assert [
        " running        (already running) bash",
        "  2.00ms        └─ ls",
        "1 process, 1 exec, 0 failed, 2.00ms (user 0µs, system 2.00ms)",
    ] == lines


def test_a_shell_that_was_there_before_and_ended(file):
    """Its end is told as that of any other, and is not among what was used."""
    lines = draw(
        file,
        *life(101, (50, 1), 110, ("ls",)),
        make_exit(3, pid=50, start=1 * MS, at=201 * MS, user_time=S, max_rss=1 << 30, comm="bash"),
    )

    assert [
        "   200ms  3     (already running) bash",
        "  5.00ms        └─ ls",
        "1 process, 1 exec, 0 failed, 5.00ms (user 1.00ms, system 2.00ms)",
    ] == lines


@pytest.mark.parametrize(("expected", "codes"), [([], []), ([], [0]), (["(already running) bash"], [1])])
def test_a_shell_that_was_there_before_and_started_nothing(file, expected, codes):
    """It is drawn if it failed."""
    ends = [make_exit(code, pid=50, start=1 * MS, at=201 * MS, comm="bash") for code in codes]
    lines = draw(file, make_fork(101, pid=50, start=1 * MS, comm="bash"), make_exit(pid=101, start=102 * MS), *ends)

    assert expected == [line[16:] for line in lines if "bash" in line]


def test_an_end_that_was_lost(file):
    """Where the next owner of its pid shows that a process has ended, it is not running; how it ended is unknown."""
    lines = draw(file, make_exec(("a",), pid=1, start=1), make_exec(("b",), pid=1, start=2))

    assert [" unknown        a", " running        b"] == lines[:-1]


def test_a_fork_whose_end_was_lost(file):
    """It may have failed, so it is drawn."""
    lines = draw(
        file, *root(), make_fork(101), make_fork(101, child_start=105 * MS), make_exit(pid=101, start=105 * MS)
    )

    assert [" unknown        └─ (fork) sh"] == [line for line in lines if "(fork)" in line]


def test_an_end_that_may_be_lost(file):
    """After a gap in the exits, whoever did not show up again may have ended."""
    lines = draw(
        file,
        make_exec(("a",), pid=1, start=1),
        make_exec(("b",), pid=2, start=2),
        make_gap(200 * MS, kind=Exit.NAME, count=7),
        make_exec(("c",), pid=2, start=2, at=300 * MS),
    )

    assert [
        "running?        a",
        " running        b → c",
        "… 7 sched_process_exit lost on CPU 0: ring full",
        "2 processes, 3 execs, 0 failed, 199ms; 7 records lost",
    ] == lines


def test_what_a_rate_limit_left_out_is_not_lost(file):
    """It is told beside what is."""
    gaps = make_gap(kind=Exit.NAME, count=7), make_gap(cpu=-1, count=3, reason="rate limit")

    *_, summary = draw(file, make_exec(("a",), pid=1, start=1), *gaps)

    assert summary.endswith("; 7 records lost; 3 records left out")


def test_alerts_are_listed_before_the_summary(file):
    """Each with the command it is about; the summary counts them."""
    process = make_exec(("a", "b"), pid=1, start=1, ancestors=())

    *_, alert, summary = draw(file, process, make_alert(process, attack=()))

    assert "! high: Shell Of A Web Server: a b, pid 1, root" == alert
    assert summary.endswith("; 1 alert")


def test_alerts_alone_have_no_tree(file):
    """Where nothing else came there are no processes to count."""
    assert "2 alerts" == draw(file, make_alert(), make_alert(level="low"))[-1]


BELOW_ROOT = {"ppid": 100, "ppid_start_time": 100 * MS}


def test_execs_that_were_not_seen_are_told(file):
    """Where records were lost, and where a process executed more than is known."""
    events = [
        *root(("sh",)),
        make_fork(101, child_start=110 * MS, exec_id=1),
        make_exit(pid=101, start=110 * MS, at=115 * MS, **BELOW_ROOT, comm="lost", exec_id=2),
        make_fork(102, child_start=120 * MS, exec_id=1),
        make_exec(("b",), pid=102, start=120 * MS, at=121 * MS, exec_id=2, repaired=True, **BELOW_ROOT),
        make_exit(pid=102, start=120 * MS, at=125 * MS, exec_id=4, **BELOW_ROOT),
    ]

    assert [
        "  99.0ms        sh",
        "  5.00ms        └─ b (found later) → (2 execs not seen)",
    ] == draw(file, *events)[:-1]


def test_processes_whose_exec_was_lost_are_drawn(file):
    """By their last name, as nobody knows what they ran."""
    lines = draw(
        file,
        *root(("sh",)),
        make_fork(101, child_start=110 * MS, exec_id=1),
        make_exit(pid=101, start=110 * MS, at=115 * MS, **BELOW_ROOT, comm="lost", exec_id=2),
        make_gap(114 * MS, count=1),
    )

    assert "  5.00ms        └─ (exec not seen) lost" == lines[1]


@pytest.mark.parametrize(
    ("expected", "max_rss"),
    [
        ("4.00 KiB", 4096),
        ("712 KiB", 712 << 10),
        ("3.52 MiB", 3_690_987),
        ("143 MiB", 143 << 20),
        ("1.25 GiB", 5 << 28),
    ],
)
def test_what_all_used(file, expected, max_rss):
    """The last line has the CPU time of all together, and the most memory that one of them had."""
    lines = draw(
        file,
        make_exec(("make",)),
        *life(101, (100, 100), 110, ("cc",), user_time=1200 * MS, system_time=S, max_rss=0),
        *life(102, (100, 100), 111, ("ld",), user_time=900 * MS, system_time=500 * MS, max_rss=max_rss),
    )

    assert lines[-1].endswith(f" (user 2.10s, system 1.50s, largest {expected})")


def test_memory_may_be_the_creators(file):
    """A process has what its creator has until it executes: where that is not a new one too, it tells nothing."""
    lines = draw(file, make_exec(("make",)), make_exit(max_rss=1 << 30))

    assert "1 process, 1 exec, 0 failed, 9.00ms (user 1.00ms, system 2.00ms)" == lines[-1]


def test_nothing_ran(file):
    """Without any event there is the last line alone."""
    TreeView(file.output).close()

    assert "0 processes, 0 execs, 0 failed, 0µs\n" == file.text


def test_several_roots(file):
    """Processes whose creators are unknown stand side by side."""
    lines = draw(file, make_exec(("b",), pid=2, start=2), make_exec(("a",), pid=1, start=1))

    assert ["a", "b"] == [line[16:] for line in lines[:-1]]


def test_a_chain_of_ten_thousand(file):
    """However deep a tree is, it is drawn, and its lines do not grow without end."""
    events = list(root())
    for n in range(10_000):
        events += life(101 + n, (100 + n, 100 + n), 101 + n, ("sh",))
    lines = draw(file, *events)

    assert 10_002 == len(lines)
    assert lines[-2].endswith("└─ (depth 10000) sh")
    assert 16 + 3 * MAX_INDENT + len("(depth 10000) sh") == max(map(len, lines))


def test_many_children(file):
    """A process with very many children has them all."""
    events = [event for n in range(2_500) for event in life(200 + n, (100, 100), 101 + n, ("cc", f"{n}.c"))]
    lines = draw(file, *root(), *events)

    assert [f"cc {n}.c" for n in range(2_500)] == [line[19:] for line in lines[1:-1]]


def test_memory_is_that_of_what_is_drawn(file):
    """An exec with its fork and exit, and twenty arguments that others have too, takes less than 2 KB until the end."""
    count = 1000
    sink = TreeView(file.output)
    sink.write(root()[:1])
    tracemalloc.start()
    for n in range(count):
        arguments = " ".join(["cc", f"{n}.c", *(f"-I/usr/include/{m}" for m in range(18))])
        sink.write(list(life(200 + n, (100, 100), 101 + n, arguments.split())))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / count < 2048


def test_no_more_than_the_limit(file):
    """After so many execs no other is taken, yet the ends of those taken are."""
    sink = TreeView(file.output, 2)
    start = [*root()[:1], *life(101, (100, 100), 110, ("cc",)), *life(102, (100, 100), 111, ("ld",), code=3)]
    written = [sink.write(start), sink.write([*life(103, (100, 100), 112, ("no",)), *root()[1:]]), sink.close()]

    assert [2, 0, 0] == written
    assert ["  99.0ms        make", "  5.00ms        └─ cc"] == file.lines[1:3]


def test_nothing_is_cut_in_a_file(file):
    """A file gets the whole command."""
    assert draw(file, make_exec(("x" * 5000,)))[0].endswith("x" * 5000)


@pytest.mark.parametrize("width", [80, 40, 12])
def test_a_terminal_gets_what_fits(terminal, width):
    """On a terminal no line is wider than that, however deep and wide the tree."""
    terminal.resize(width)
    events = list(root())
    for n in range(100):
        events += life(101 + n, (100 + n, 100 + n), 101 + n, ("日本語" * 40,))
    sink = TreeView(terminal.output)
    sink.write(events)
    sink.close()
    *lines, _ = terminal.hang_up().splitlines()

    assert 102 == len(lines)
    assert max(map(columns, lines[1:])) <= max(width, len("DURATION  EXIT  "))


def test_a_deep_process_is_still_told_on_a_terminal(terminal):
    """The indentation leaves room for the commands: deeper ones say their depth."""
    events = list(root())
    for n in range(20):
        events += life(101 + n, (100 + n, 100 + n), 101 + n, ("cc",))
    sink = TreeView(terminal.output)
    sink.write(events)
    sink.close()

    assert re.search(r"└─ \(depth 20\) cc$", terminal.hang_up(), re.MULTILINE)


def test_colours_are_sober(colour_terminal):
    """Durations are dim and failures red."""
    sink = TreeView(colour_terminal.output)
    sink.write([make_exec(("make",)), make_exit(2, at=S)])
    sink.close()

    assert "\x1b[2m   899ms\x1b[0m  \x1b[31m2   \x1b[0m  make" == colour_terminal.hang_up().splitlines()[1]


def test_nothing_reaches_the_terminal_raw(terminal):
    """Escape sequences in any text of an event are spelt out."""
    sink = TreeView(terminal.output)
    sink.write(
        [
            make_exec(("\x1b[2J\u202e",)),
            *life(101, (100, 100), 110, None, code=1, comm="\x1b[31m\x07", ppid=1, ppid_comm="\x9b1m"),
        ]
    )
    sink.close()

    assert all(line.isprintable() for line in terminal.hang_up().split("\n"))


def test_a_fork_that_lives_on_is_drawn(file):
    """What a command leaves behind is seen, also if it has executed nothing yet."""
    sink = TreeView(file.output)
    sink.write([make_exec(("sh",)), make_fork(101), make_exit(0)])
    sink.close()

    assert [" running        └─ (fork) sh"] == [line for line in file.lines if "fork" in line]
