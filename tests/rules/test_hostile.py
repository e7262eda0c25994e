"""Rules and events made to cost much. What took exponential time would not end before the run is given up."""

import pytest

from tests.events import make_exec
from tests.fuzz.test_growth import TWICE, work
from tests.rules.made import alerts, engine_of, fits, loaded, problems, rule_of
from whatran.rules.load import read
from whatran.rules.regex import search

MIB = 1 << 20


@pytest.mark.parametrize(
    "expression",
    [
        r"(a+)+b",
        r"(a|a)*b",
        r"(a|aa)+$b",
        r"(.*a){20}b",
        r"a*a*a*a*a*a*a*b",
        r"(a?){100}a{100}b",
        r"^(([a-z])+.)+[A-Z]b",
    ],
)
def test_expressions_take_time_by_the_length_of_the_text(tmp_path, expression):
    """Those that bring Python's own to a stand at 30 characters are through with a MiB."""
    assert not fits(tmp_path, f"s: {{CommandLine|re: '{expression}'}}\ncondition: s", argv=["a" * MIB])


@pytest.mark.parametrize("text", ["(a{1000}){1000}", "((a{100}){100}){100}", "a" * 5000])
def test_expressions_that_are_too_large(tmp_path, text):
    """Are told: RE2 bounds what it makes of one."""
    (problem,) = problems(tmp_path, rule_of(f"s: {{CommandLine|re: '{text}'}}\ncondition: s"))

    assert "this is no regular expression (of RE2): " in problem


@pytest.mark.parametrize("pattern", ["*a*a*a*a*a*a*a*a*b", "a*?a*?a*?a*?a*?b", "*a?a?*a?a?*aaab*b"])
def test_wildcards_take_time_by_the_length_of_the_text(tmp_path, pattern):
    """What is between two of them is not tried elsewhere once it was found."""
    assert not fits(tmp_path, f"s: {{CommandLine: '{pattern}'}}\ncondition: s", argv=["a" * 100_000])


def test_bytes_that_are_no_text(tmp_path):
    """An expression sees each as one character that is none of its own."""
    assert search("^a.b$")("a\udcffb")
    assert not search("^a[b-z]b$")("a\udcffb")
    assert search("ж.")("ж\udcff")
    assert fits(tmp_path, "s: {CommandLine|re: 'a.b'}\ncondition: s", argv=["a\udcffb"])


def test_megabytes_of_arguments(tmp_path):
    """Are searched whole: what is at their very end is found, and an alert tells no more of them than it must."""
    engine = engine_of(tmp_path, rule_of("s: {CommandLine|contains: needle, argv|endswith: le}\ncondition: s"))
    event = make_exec(["x", "y" * (2 * MIB), "needle"])
    (alert,) = alerts(engine, event)

    assert 4097 == len(alert.matched["CommandLine"])
    assert event == alert.process


@pytest.mark.parametrize("line", ["argv|fieldref: env", "argv|fieldref|cased: env", "argv|fieldref|neq: env"])
def test_lists_that_are_compared_take_time_by_their_lengths(tmp_path, line):
    """Each element with each would be 40 billion."""
    engine = engine_of(tmp_path, rule_of(f"s: {{{line}}}\ncondition: s"))
    argv, env = ([f"{name}{n}" for n in range(200_000)] for name in "ae")
    found = [alert.matched for alert in alerts(engine, make_exec([*argv, "x"], env=[*env, "x"]))]

    assert ([] if "neq" in line else [{"argv": "x"}]) == found


def test_aliases_are_refused(tmp_path):
    """Nine lines of them stand for a billion values."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )

    assert ["2:10: *a0 is an alias: in rules write out what it stands for"] == problems(tmp_path, bomb)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "lists and maps lie in one another 32 deep at most"),
        ("{a: " * 100_000, "lists and maps lie in one another 32 deep at most"),
        ("- " * 100_000, "lists and maps lie in one another 32 deep at most"),
        ("a: [" + "x, " * 250_000 + "]", "a file of rules has 200000 values at most"),
        ("#" * (MIB + 1), "a file of rules has 1 MiB at most"),
    ],
)
def test_files_are_bounded(text, expected):
    """By depth, values and bytes."""
    assert [expected] == [problem.text for problem in read([("x", text)]).errors]


@pytest.mark.parametrize("field", ["pid", "argv", "CommandLine|contains"])
@pytest.mark.parametrize(
    "number", ["9" * 5000, "0x" + "f" * 5000, "0b" + "1" * 20_000, "1" + ":1" * 50_000, "1" + ":1" * 50_000 + ".0"]
)
def test_number_that_takes_long_to_read(field, number):
    """Or that Python does not write: it is refused before it is one, with its place."""
    (problem,) = read([("x", rule_of(f"s:\n    {field}: {number}\ncondition: s"))]).errors

    assert f"x:6:{len(field) + 11}: {number[:40]}… is longer than any number (100 characters): quote a text" == str(
        problem
    )


def test_ten_thousand_rules(tmp_path):
    """Each is read, compiled and asked; one is wrong, and told."""
    rules = [
        rule_of(f"s: {{Image|endswith: /p{n % 100}, CommandLine|contains: w{n}}}\ncondition: s", title=f"R{n}")
        for n in range(10_000)
    ]
    rules[5_000] = rules[5_000].replace("Image", "Imag")
    found = loaded(tmp_path, *("---\n".join(rules[at : at + 500]) for at in range(0, 10_000, 500)))

    from whatran.rules.engine import Engine  # noqa: PLC0415

    engine = Engine(found.rules)

    assert (9_999, 1) == (len(found.rules), len(found.errors))
    assert ["R7", "R7707"] == [alert.rule for alert in alerts(engine, make_exec(["p7", "w7707"]))]


def test_reading_twice_the_rules_takes_twice_the_work():
    """Also where each is a correlation of the one after it: their order does not cost its square."""

    def chain(number):
        base = rule_of("s: {pid: 1}\ncondition: s", title=f"C{number}")
        links = [
            f"title: C{n}\ncorrelation: {{type: temporal, rules: [C{n + 1}], timespan: 1m}}\n" for n in range(number)
        ]
        return [("x", "---\n".join([*links, base]))]

    assert 51 == len(read(chain(50)).rules)
    assert work(read, chain(200)) < TWICE * work(read, chain(100))


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (
            f"s:\n    CommandLine|windash: [{', '.join([' -a -b -c -d -e'] * 50)}]\ncondition: s",
            "these values come to more than 10000 tests",
        ),
        (
            f"s:\n    CommandLine: [{', '.join(map(str, range(5000)))}]\ncondition: s{' or s' * 400}",
            "condition: it comes to 2005000 tests: 100000 is most",
        ),
        ("s:\n    argv" + "|base64" * 100 + ": x\ncondition: s", "base64 is there twice"),
    ],
)
def test_little_that_stands_for_much(tmp_path, detection, expected):
    """Is told before it is made."""
    assert any(problem.endswith(expected) for problem in problems(tmp_path, rule_of(detection)))
