import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.baseline.made import learned, learner_of, new, told
from tests.baseline.test_laws import recordings
from whatran.baseline.model import Baseline, Program, Rule, Settings
from whatran.baseline.read import parse
from whatran.baseline.write import render
from whatran.errors import BaselineError

HEAD = "whatran_baseline: 1\nallowed:\n"
ENTRY = HEAD + "- pathname: /usr/bin/ls\n"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
RULES = st.builds(
    Rule,
    st.builds(
        Program,
        TEXTS,
        TEXTS,
        st.none() | st.lists(TEXTS, max_size=3).map(tuple),
        st.none() | TEXTS,
        TEXTS,
        st.none() | st.just("a" * 64),
    ),
    st.none() | st.lists(TEXTS, max_size=3).map(tuple),
)
BASELINES = st.builds(
    Baseline,
    st.builds(Settings, st.integers(0, 8), st.sampled_from([(), ("directory", "pid")])),
    st.frozensets(RULES, max_size=5).map(
        lambda rules: frozenset(rule for rule in rules if rule.argv is None or Rule(rule.program, None) not in rules)
    ),
)


def problems(text):
    """What is wrong with it."""
    with pytest.raises(BaselineError) as raised:
        parse(text, "b.yml")
    return list(raised.value.problems)


@given(BASELINES)
def test_read_back(baseline):
    """Whatever texts are in it, what was written is read back, is ASCII or plainly visible, and is written the same."""
    text = render(baseline)
    read, layout = parse(text, "b.yml")

    assert baseline == read
    assert text == render(read, layout)
    assert text.replace("\n", "").isprintable()


@settings(max_examples=40)
@given(recordings(), recordings())
def test_files_are_merged_as_baselines_are(one, other):
    """What is learned on top of a file is the very file that is learned of both; once more changes nothing."""
    both = render(learned(one, other))
    base, layout = parse(render(learned(one)), "b.yml")
    merged = render(learner_of([other], base).baseline(), layout)
    again, layout = parse(merged, "b.yml")

    assert both == merged == render(learner_of([one, other], again).baseline(), layout)


def test_an_entry():
    """One program is one entry, with a line for each command line; no line says what is not there."""
    baseline = learned(told(("cc", "a.c"), ("cc", "b.c")))

    assert [
        "allowed:",
        "- pathname: /usr/bin/cc",
        "  parents: [/usr/bin/make, <whatran>]",
        "  user: <user>",
        "  argv:",
        "  - [cc, a.c]",
        "  - [cc, b.c]",
        "- pathname: /usr/bin/make",
        "  parents: [<whatran>]",
        "  user: <user>",
        "  argv:",
        "  - [make]",
    ] == render(baseline).splitlines()[-12:]


COMMENTED = """\
# ours

whatran_baseline: 1
allowed:   # so far
# The compiler.
- pathname: /usr/bin/cc
  parents: [/usr/bin/make,
            '*']   # whoever
  argv:
  # one
  - [cc, a.c]
  - [ 'cc' , "c.c" ] # another
# All of these.
- {pathname: '/usr/lib/gcc/*/cc1'}
# end
"""


def test_comments_stay():
    """What people wrote stays where it is, to the byte, as others come and go."""
    base, layout = parse(COMMENTED, "b.yml")
    learner = learner_of([told(("cc", "b.c"), ("ld", "x"), ("cc", "c.c"))], base)
    text = render(learner.baseline(prune=True), layout)

    assert COMMENTED == render(base, layout)
    assert text.startswith(COMMENTED.partition("  # one")[0])
    assert "  - [ 'cc' , \"c.c\" ] # another\n" in text
    assert text.endswith("# end\n")
    assert "a.c" not in text
    assert "# All of these." not in text


def test_a_file_without_entries():
    """It permits nothing, and is added to."""
    for text in (HEAD, "whatran_baseline: 1\n", "whatran_baseline: 1\nallowed: []\n"):
        base, layout = parse(text, "b.yml")
        merged = render(learner_of([told()], base).baseline(), layout)

        assert frozenset() == base.rules
        assert learned(told()).rules == parse(merged, "b.yml")[0].rules


def test_entries_on_one_line():
    """They are taken, and written anew."""
    base, layout = parse("whatran_baseline: 1\nallowed: [{pathname: /bin/a}, {pathname: /bin/b}]\n", "b.yml")

    assert base == parse(render(base, layout), "b.yml")[0]


def test_all_problems_are_told():
    """Each with its place; what is unknown with what was meant."""
    text = HEAD.replace("allowed", "depht: 3\nallowed") + (
        "- pathname: [a]\n  paernts: []\n- user: x\n"
        "- pathname: a\n  sha256: 12\n  user: x\n  user: y\n  argv: []\n- x\n"
    )

    assert [
        "b.yml:2:1: there is no key 'depht'; did you mean depth?",
        "b.yml:4:13: pathname is a text: quote it",
        "b.yml:5:3: there is no key 'paernts'; did you mean parents?",
        "b.yml:6:3: the entry has no pathname: say which program may run, '*' for any",
    ] == problems(text)[:4]
    assert {
        "b.yml:8:11: sha256 has 64 hexadecimal digits, in small letters",
        "b.yml:10:3: user is given twice",
        "b.yml:11:9: argv is empty, which permits nothing: leave it out for any arguments",
    } <= set(problems(text))
    assert len(problems(text)) == 8


BOMB = "whatran_baseline: 1\na: &a [x, x]\nb: &b [*a, *a]\nallowed: *b\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    {
        "": "b.yml:1:1: a baseline is a mapping, with whatran_baseline, depth, generalised, allowed",
        "x: 1\n": "b.yml:1:1: there is no key 'x'; use whatran_baseline, depth, generalised, allowed",
        "whatran_baseline: 2\n": "b.yml:1:19: this whatran reads whatran_baseline: 1, and no other",
        "whatran_baseline: 1\ndepth: 9\n": "b.yml:2:8: depth is how many parents are told, from 0 to 8",
        "whatran_baseline: 1\ngeneralised: [pids]\n": "b.yml:2:15: there is no rule 'pids'; did you mean pid?",
        "whatran_baseline: 1\nallowed: x\n": "b.yml:2:10: allowed is a list of entries",
        BOMB: "b.yml:2:4: anchors are not taken: quote it if & is meant",
        ENTRY + "  argv: [[ls, *]]\n": None,
        ENTRY + "  argv: [[ls, *x]]\n": "b.yml:4:15: aliases are not taken: write it out, or quote it where * means "
        "anything, as '*'",
        ENTRY + "  user: !!python/name:os.system x\n": "b.yml:4:9: tags are not taken: quote it if ! is meant",
        "[" * 100: "b.yml:1:10: this is nested too deeply",
        HEAD + "---\nx: 1\n": "b.yml:3:1: there is a second document: a baseline is one",
        "whatran_baseline: 1\r\n": r"b.yml:1:20: lines are to end with \n, and with nothing else",
        "whatran_baseline: '1\n": None,
        "whatran_baseline: \x07\n": None,
    }.items(),
)
def test_what_is_no_baseline(text, problem):
    """It is said where and why; nothing is taken of it."""
    found = problems(text)

    assert found[0] == problem if problem else found[0].startswith("b.yml:")


GLOBS = {
    "- pathname: /usr/bin/*": True,
    "- pathname: /usr/bin/c?": True,
    "- pathname: /usr/sbin/*": False,
    "- pathname: '*'\n  argv: [[cc, '*']]": True,
    "- pathname: '*'\n  argv: [[cc]]": False,
    "- pathname: '*'\n  argv: [[cc, '*', '*']]": False,
    "- pathname: '*'\n  argv: [[cc, ...]]": True,
    "- pathname: '*'\n  argv: [[cc, '*', ...]]": True,
    "- pathname: '*'\n  argv: [[cc, /tmp/cc<temp>.?]]": True,
    "- pathname: '*'\n  argv: [[cc, /tmp/cc??????.s]]": True,
    "- pathname: '*'\n  argv: [[cc, /tmp/cc<pid>.?]]": False,
    "- pathname: '*'\n  parents: [/usr/bin/make]": True,
    "- pathname: '*'\n  parents: ['*', <whatran>]": True,
    "- pathname: '*'\n  parents: [<whatran>]": False,
    "- pathname: '*'\n  user: r*t": True,
    "- pathname: '*'\n  user: <user>": True,
    "- pathname: '*'\n  user: nobody": False,
    "- pathname: '*'\n  script_pathname: '?*'": False,
    "- pathname: '*'\n  script_pathname: '*'": True,
    "- pathname: '*'\n  container_image: '*'": True,
    "- pathname: '*'\n  container_image: debian": False,
    f"- pathname: '*'\n  sha256: {'a' * 64}": False,
}


@pytest.mark.parametrize(("entry", "permitted"), GLOBS.items())
def test_what_people_write(entry, permitted):
    """Globs, shorter lists of parents, and what is left out; each for what really ran or for what it is called."""
    baseline, _ = parse(f"{HEAD}- pathname: /usr/bin/make\n{entry}\n", "b.yml")

    assert permitted == (new(baseline, told(("cc", "/tmp/ccAb12Cd.s"))) == [])


def test_what_is_written_by_hand_is_not_learned_again():
    """A glob that permits it all leaves nothing to learn."""
    base, _ = parse(COMMENTED.replace("/usr/lib/gcc/*/cc1", "*"), "b.yml")
    learner = learner_of([told(("cc", "z.c"))], base)

    assert (base, frozenset()) == (learner.baseline(), learner.new)
