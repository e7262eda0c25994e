import pytest

from tests.baseline.made import learned, new, observed, told
from whatran.baseline.check import Checker
from whatran.baseline.model import Baseline, Settings
from whatran.baseline.text import write
from whatran.sinks.output import Output

KNOWN = told(("cc", "-c", "a.c"), ("sh", "-c", "x"), (("ld", "a.o"), {"of": 1}))

DEVIATIONS = {
    "pathname": ("cc", "-c", "a.c"),
    "script_pathname": ("cc", "-c", "a.c"),
    "user": ("cc", "-c", "a.c"),
    "container_image": ("cc", "-c", "a.c"),
    "argv": ("cc", "-c", "b.c"),
}
FIELDS = {
    "pathname": {"pathname": "/usr/local/bin/cc"},
    "script_pathname": {"script_pathname": "/src/cc"},
    "user": {"user": "nobody"},
    "container_image": {"container_image": "debian"},
    "argv": {},
}


@pytest.mark.parametrize("field", DEVIATIONS)
def test_what_differs(field):
    """Of what differs in one field from what is known, that field is named and no other, and the rest is not new."""
    events = told((DEVIATIONS[field], FIELDS[field]), ("sh", "-c", "x"), (("ld", "a.o"), {"of": 1}))
    (found,) = new(learned(KNOWN), events)

    assert ([field], ["cc", "-c", "a.c"]) == (found.differs, found.nearest.argv)


def test_another_parent():
    """The same program, started by another than it was."""
    (found,) = new(learned(KNOWN), told(("ld", "a.o")))

    assert (["parents"], ["/usr/bin/make", "<whatran>"]) == (found.differs, found.parents)
    assert ["/usr/bin/sh", "/usr/bin/make"] == found.nearest.parents


def test_a_program_of_another_content():
    """As long as the baseline has its hash."""
    baseline = learned(KNOWN, sha256=lambda _: "a" * 64)

    assert new(baseline, KNOWN, sha256=lambda _: "a" * 64) == []
    assert {("sha256",)} == {tuple(found.differs) for found in new(baseline, KNOWN, sha256=lambda _: "b" * 64)}
    assert {("sha256",)} == {tuple(found.differs) for found in new(baseline, KNOWN, sha256=lambda _: None)}
    assert new(learned(KNOWN), KNOWN, sha256=lambda _: "b" * 64) == []


def test_a_program_that_nobody_knows():
    """There is nothing near."""
    (found,) = new(learned(KNOWN), told(("curl", "x")))

    assert (None, []) == (found.nearest, found.differs)


def test_the_nearest_of_many():
    """The fewest fields differ, and of the arguments the fewest words."""
    baseline = learned(
        told(("cc", "-O2", "-c", "a.c"), ("cc", "-g", "x.c"), (("cc", "-O2", "b.c"), {"user": "nobody"}))
    )
    (found,) = new(baseline, told(("cc", "-O3", "-c", "a.c")))

    assert (["argv"], ["cc", "-O2", "-c", "a.c"]) == (found.differs, found.nearest.argv)


def test_each_thing_once():
    """However often it happens; how often is counted."""
    checker = Checker(learned(KNOWN))
    told_of = [checker(*each) for each in observed(told(("curl", "/tmp/tmpab12cd34"), ("curl", "/tmp/tmpzz98yx76")))]

    assert [False, True, False] == [found is not None for found in told_of]
    assert {"known": 1, "new": 2, "told": 1} == dict(checker.counts)


@pytest.mark.parametrize(("depth", "count"), [(0, 0), (1, 0), (2, 1), (8, 1)])
def test_how_many_parents_count(depth, count):
    """No more than the depth says."""
    settings = Settings(depth=depth)
    before = told(("sh", "-c", "x"), (("ld", "a.o"), {"of": 0}))
    after = told(("sh", "-c", "x"), ("env", "sh"), (("sh", "-c", "x"), {"of": 1}), (("ld", "a.o"), {"of": 2}))
    found = new(learned(before, settings=settings), after)

    assert count == len([each for each in found if each.argv == ["ld", "a.o"]])


def test_whose_command_it_is_makes_no_difference():
    """Another user in another directory runs the same; unless that is wanted exactly."""
    one, other = (
        told((("cc", f"{cwd}/a.c"), {"user": user}), cwd=cwd, user=user) for cwd, user in (("/a", "ann"), ("/b", "bob"))
    )
    exactly = Settings(generalised=())

    assert new(learned(one), other) == []
    assert [["user"], ["user", "argv"]] == [found.differs for found in new(learned(one, settings=exactly), other)]


def test_long_arguments():
    """They stand in the file as a beginning and a hash of the rest, and differ where that does."""
    long = "x" * 100_000
    many = ["a"] * 10_000
    baseline = learned(told(("sh", long), ("ls", *many)))
    found = new(baseline, told(("sh", long + "y"), ("ls", *many, "b")))

    assert new(baseline, told(("sh", long), ("ls", *many))) == []
    assert [["argv"], ["argv"]] == [each.differs for each in found]
    assert max(len(text) for rule in baseline.rules for text in rule.argv) < 5000
    assert max(len(rule.argv) for rule in baseline.rules) < 300


def test_what_is_remembered_is_small():
    """Of what is new, and of what globs were held against, there are digests only; of no stranger the words."""
    baseline = learned(KNOWN)
    (rule, *_) = (rule for rule in baseline.rules if rule.program.pathname == "/usr/bin/cc")
    checker = Checker(Baseline(baseline.settings, baseline.rules | {rule._replace(argv=("cc", "z*"))}))
    for event, seen in observed(told(*(("cc", f"{n}" + "x" * 100_000) for n in range(20)))):
        checker(event, seen)

    remembered = [*checker._told, *checker._permits._looked_through]
    assert {16} == set(map(len, remembered))
    assert 20 <= len(checker._told)
    assert checker._neighbours._words.cache_info().currsize <= len(baseline.rules) + 1


@pytest.fixture
def text_of(tmp_path):
    """What is written of new things."""

    def text_of(found):
        with Output.open(str(tmp_path / "out")) as output:
            write(found, output)
        return (tmp_path / "out").read_text().splitlines()

    return text_of


def test_as_text(text_of):
    """What, by whom, and how it differs from what."""
    found = new(learned(KNOWN), told(("cc", "-c", "b.c"), ("ld", "a.o"), ("curl", "x\x1b")))

    assert [
        "new: /usr/bin/cc started by /usr/bin/make ← <whatran>, user root",
        "  nearest: the same but for arguments",
        "  cc -c [a.c → b.c]",
        "new: /usr/bin/ld started by /usr/bin/make ← <whatran>, user root",
        "  ld a.o",
        "  nearest: the same but for parents: known is parents /usr/bin/sh ← /usr/bin/make",
        "new: /usr/bin/curl started by /usr/bin/make ← <whatran>, user root",
        r"  curl $'x\x1b'",
        "  no program of this name is known",
    ] == text_of(found)
