from hypothesis import given, settings
from hypothesis import strategies as st

from tests.baseline.made import learned, learner_of, new, told
from whatran.baseline.learn import merge

ARGUMENTS = st.sampled_from(
    [
        "-O2",
        "*.c",
        "<temp>",
        "...",
        "/tmp/ccAb12Cd.s",
        "/tmp/ccZz90Yy.s",
        "/src/a.c",
        "x5001",
        "5002",
        "",
        "\udcff\n\x1b",
        "12345678",
    ]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "pathname": st.sampled_from(["/usr/bin/cc", "/src/cc", "/tmp/tmpab12cd34/cc", "/a*b", None]),
        "script_pathname": st.sampled_from([None, "/src/run.sh"]),
        "user": st.sampled_from(["root", "nobody", None]),
        "euid": st.sampled_from([0, 7]),
        "container_image": st.sampled_from([None, "docker.io/library/debian:12"]),
        "argv": st.none() | st.lists(ARGUMENTS, max_size=3),
    },
)


@st.composite
def recordings(draw):
    """A command that runs some others, which run others in turn."""
    commands = []
    for number in range(draw(st.integers(0, 4))):
        fields = draw(FIELDS)
        if number:
            fields["of"] = draw(st.none() | st.integers(0, number - 1))
        commands.append((("sh", *draw(st.lists(ARGUMENTS, max_size=3))), fields))
    return told(
        *commands, root=draw(st.sampled_from([("make",), ("sh", "-c", "x")])), base=draw(st.integers(5000, 5003))
    )


@given(recordings())
def test_what_was_learned_is_not_new(events):
    """Of no recording anything is new to what was learned of it."""
    assert new(learned(events), events) == []


@settings(max_examples=40)
@given(recordings(), recordings())
def test_together_is_each_together(one, other):
    """What is learned of two recordings is what is learned of each, merged; and of one on top of the other."""
    together = learned(one, other)

    assert together == merge([learned(one), learned(other)])
    assert together == learner_of([other], learned(one)).baseline()


@settings(max_examples=40)
@given(recordings(), recordings())
def test_pruned_of_the_other(one, other):
    """What is left of two, when only the first uses it, is what is learned of the first."""
    assert learned(one) == learner_of([one], learned(one, other)).baseline(prune=True)
