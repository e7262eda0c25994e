import dataclasses

from bench.dearer import dearer
from bench.figures import Figures
from bench.keeps import Keeps
from bench.loads import Load
from bench.monitors import FLOOR, NONE, Monitor
from bench.report import as_json, as_markdown
from bench.rounds import Found, Measured
from bench.tables import FIGURES, by_round, execs, load_table, overview, told

STORM = Load("storm", "a storm", [], execs=1000)
BUILD = Load("build", "a build", [])
QUIET = Load("quiet", "a quiet machine", [])
PLAIN = Figures(1.0, 1.0, 40e-6, 90e-6, 60e-6, 0.0, 0, 0, 0, None, 0)
OURS = Monitor("whatran record", lambda _: ["whatran"], lambda _: 0)
THEIRS = Monitor("snoop", lambda _: ["snoop"], lambda _: 0, program="snoop", package="no-such-package", note="a note")
BYTES = FIGURES[-1]


def _measured(walls, **changes):
    run = dataclasses.replace(PLAIN, told=1000, out_bytes=50_000, monitor_cpu=0.1, peak_kib=2048, **changes)
    return {number: Measured(dataclasses.replace(run, wall=wall), [PLAIN, PLAIN]) for number, wall in enumerate(walls)}


def _found(ours, theirs, loads=(STORM,)):
    found = Found([NONE, OURS, THEIRS], [*loads])
    found.plain["storm"] = [PLAIN, PLAIN]
    found.runs = {("storm", OURS.name): ours, ("storm", THEIRS.name): theirs}
    return found


def _row(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [each.strip() for each in line.strip("|").split("|")][1:]


def test_a_row_has_cost_and_completeness():
    """What was told, then how much slower and dearer the load was, then the monitor's own use."""
    found = _found(
        _measured([1.1, 1.2, 1.3, 1.1, 1.2, 1.3, 1.2], cpu=1.5, turn_p50=66e-6),
        _measured([0.9, 1.0, 1.1, 1.2, 1.3, 1.3]),
    )
    text = load_table(found, STORM)
    assert ["", "1.00 s", "1.00 s", "60 µs", "40 µs", "90 µs", "", ""] == _row(text, "none")
    assert ["100 %", "+20.0 % [+10.0 … +30.0]", "+50.0 %", "+10.0 %", "40 µs", "90 µs", "1.000 s", "50"] == _row(
        text, OURS.name
    )
    assert ["100 %", "+15.0 % [-10.0 … +30.0], noise", "+0.0 %, noise"] == _row(text, THEIRS.name)[:3]


def test_the_overview_has_medians_and_the_worst_that_was_told():
    """One row a monitor: what may be noise is called that, and a loss in any load shows."""
    found = _found(_measured([1.2] * 6), _measured([0.9, 1.0, 1.1, 1.2, 1.3, 1.3]), [STORM, BUILD])
    found.runs["build", FLOOR.name] = {0: Measured(dataclasses.replace(PLAIN, told=2000), [PLAIN])}
    found.runs["build", THEIRS.name] = _measured([1.5])
    text = overview(found)
    assert ["+20.0 %", "-", "100 %"] == _row(text, OURS.name)
    assert ["noise", "+50.0 %", "50 %"] == _row(text, THEIRS.name)


def test_what_was_lost_in_one_round_shows():
    """The share told is of all rounds: a median would hide that one of them lost."""
    found = _found(_measured([1.0] * 7), {})
    found.runs["storm", OURS.name][3] = Measured(dataclasses.replace(PLAIN, told=993), [PLAIN])
    assert "99.9 %" == told(found, STORM, OURS.name)


def test_bytes_are_of_what_was_told():
    """A monitor that loses half does not write half as much of each."""
    found = _found(_measured([1.0]), {})
    found.runs["storm", OURS.name][0] = Measured(dataclasses.replace(PLAIN, told=500, out_bytes=50_000), [PLAIN])
    assert {0: 100.0} == by_round(found, STORM, OURS.name, BYTES)


def test_execs_of_a_build_are_as_they_were_counted():
    """Where a load does not say itself how many it makes, the raw tracepoint does."""
    found = _found({}, {})
    found.runs["build", FLOOR.name] = {
        number: Measured(dataclasses.replace(PLAIN, told=count), [PLAIN]) for number, count in enumerate([90, 92, 92])
    }
    assert (1000, 92) == (execs(found, STORM), execs(found, BUILD))


def test_where_whatran_is_dearer_is_told_by_rule():
    """Each median above another monitor's is listed, with what that did not tell; what is below or noise is not."""
    ours = _measured([1.2] * 6, cpu=1.0, turn_p50=70e-6)
    theirs = _measured([1.1] * 6, cpu=1.1)
    for number, turn in enumerate([66e-6, 66e-6, 66e-6, 66e-6, 66e-6, 72e-6]):
        theirs[number] = Measured(dataclasses.replace(theirs[number].run, turn_p50=turn), theirs[number].plain)
    theirs[0] = Measured(dataclasses.replace(theirs[0].run, told=400), theirs[0].plain)
    found = _found(ours, theirs)
    found.kernel = {OURS.name: 3000.0, THEIRS.name: 0.0}
    found.keeps = {OURS.name: Keeps(0.3, {}), THEIRS.name: Keeps(0.1, {})}
    rows = [line.strip("| ").split(" | ") for line in dearer(found).splitlines()[2:]]
    assert [
        ["storm", "slower", OURS.name, "+20.0 %", "snoop: +10.0 % (told 90 %)"],
        ["start to first exec told", OURS.name, "300 ms", "snoop: 100 ms"],
    ] == rows


def test_the_page_leaves_nothing_out():
    """Monitors that were not run, runs that failed and remarks are on the page, and every round is in the JSON."""
    found = _found(_measured([1.0] * 7), _measured([1.1] * 7), [STORM, QUIET])
    found.missing["forkstat"] = "not installed"
    found.failed.append("snoop, storm, round 3: the load failed: killed")
    page = as_markdown(found)
    for text in ("- forkstat: not installed.", "- snoop, storm, round 3: the load failed: killed.", "; a note."):
        assert text in page
    assert [7, 7] == [len(each["rounds"]) for each in as_json(found)["runs"]]
    summary = as_json(found)["summary"]
    assert {"load": "storm", "monitor": "snoop", "figure": "slower", "rounds": 7, "sure": True}.items() <= next(
        each for each in summary if each["monitor"] == "snoop"
    ).items()
