import json

from tests.events import MS, make_exec, make_exit
from tests.query.build import BYTES, HOSTILE, build
from whatran.cli import top as command
from whatran.query.top import ORDERS, Total, totals
from whatran.query.toptable import write_json, write_table


def test_totals():
    """Runs, failures and times are those of the build; what a process used counts for its last program."""
    found = {total.program: total for total in totals(build())}

    assert {"/usr/bin/make", "/usr/bin/cc", "/usr/bin/cc1", "/usr/bin/sudo", "/tmp/x"} == set(found)
    assert (
        Total(
            program="/usr/bin/cc1",
            runs=2,
            failures=1,
            measured=2,
            time=(200 - 112 + 160 - 122) * MS,
            max_time=88 * MS,
            user_time=100 * MS,
            system_time=4 * MS,
            max_rss=90 << 20,
        )
        == found["/usr/bin/cc1"]
    )
    assert (3, 0, 6 * MS, 3 * MS) == (
        found["/usr/bin/cc"].runs,
        found["/usr/bin/cc"].failures,
        found["/usr/bin/cc"].time,
        found["/usr/bin/cc"].cpu,
    )


def test_what_was_not_seen_to_end():
    """It ran, but how long and how it ended nobody knows."""
    (total,) = totals([make_exec()])

    assert (1, 0, 0, 0) == (total.runs, total.measured, total.failures, total.mean_time)


def test_a_script_is_a_program():
    """What counts is the script, not the interpreter that runs it."""
    (total,) = totals([make_exec(("sh", "./configure"), script_pathname="/src/configure"), make_exit()])

    assert "/src/configure" == total.program


def test_memory_is_that_of_the_programs():
    """A million runs of one program are one total."""
    events = (event for pid in range(1, 5_000) for event in (make_exec(pid=pid), make_exit(pid=pid)))

    assert [4_999] == [total.runs for total in totals(events)]


def test_orders_of_the_command_line():
    """Each of them can be asked for."""
    assert tuple(ORDERS) == command.ORDERS


def _programs(file, by, count=20):
    write_table(file.output, totals(build()), by, count)
    return [line.split()[-1].rpartition("/")[2] for line in file.lines[1:-1]]


def test_by_cpu(file):
    """The one with most CPU is first."""
    assert ["cc1", "make", "cc"] == _programs(file, "cpu")[:3]


def test_by_count(file):
    """The one that ran most is first, and of those that ran equally often the order is that of the names."""
    assert ["cc", "cc1", "x", "make", "sudo"] == _programs(file, "count")


def test_by_failures_two(file):
    """No more than were asked for."""
    assert ["cc1", "make"] == _programs(file, "failures", 2)


def test_table(file):
    """A bar and the figures of each, and a line about all of them."""
    write_table(file.output, totals(build()), "cpu", 2)

    assert [
        "             CPU   TIME    MEAN  SLOWEST  RUNS  FAILED    MEMORY  PROGRAM",
        "████████   104ms  126ms  63.0ms   88.0ms     2       1  90.0 MiB  /usr/bin/cc1",
        "▍         5.00ms  149ms   149ms    149ms     1       1  1.00 MiB  /usr/bin/make",
        "5 programs, 8 runs, 2 failed, CPU 112ms",
    ] == file.lines


def test_table_of_what_used_nothing_itself(file):
    """A program that went on to execute another has neither CPU nor memory of its own."""
    write_table(file.output, totals([make_exec(("env",)), make_exec(("true",), at=102 * MS), make_exit()]), "count", 20)

    assert ["1.00ms", "1.00ms", "1.00ms", "1", "/usr/bin/env"] == file.lines[1].split()[1:]


def test_table_of_nothing(file):
    """A recording without programs is no error."""
    write_table(file.output, [], "cpu", 20)

    assert "0 programs, 0 runs, 0 failed, CPU 0µs" == file.lines[-1]


def test_hostile_programs(terminal):
    """Names act on no terminal."""
    write_table(terminal.output, [Total(program=name) for name in HOSTILE], "cpu", 50)

    assert all(line.isprintable() for line in terminal.hang_up().splitlines())


def test_json(file):
    """One array of objects with the fields; a name that is no UTF-8 has its bytes beside it."""
    write_json(file.output, [Total(program="/bin/a", runs=1), Total(program=BYTES, runs=2)], "count", 20)
    first, second = json.loads(file.text)

    assert (2, "caf\ufffd", "Y2Fm6Q==") == (first["runs"], first["program"], first["program_base64"])
    assert list(Total.__struct_fields__) == list(second)
