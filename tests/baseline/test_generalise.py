import pytest

from whatran.baseline.generalise import MOST_SEARCHED, RULES, Generaliser, temporary
from whatran.volatile.patterns import Replaced

HASHED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

EXAMPLES = {
    "-I/home/me/src/include": "-I<pwd>/include",
    "/home/me/src-2/a.c": "/home/me/src-2/a.c",
    "/dev/fd/63": "/dev/fd/<fd>",
    "pipe:[4711]": "pipe:[[]<fd>]",
    "--password=<redacted:abcdefab>": "--password=<redacted>",
    "--jobserver-auth=3,4": "--jobserver-auth=<jobserver>",
    "conftest4711.c": "conftest<pid>.c",
    "port=8080": "port=8080",
    "-O2": "-O2",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301": "<uuid>",
    HASHED: "<hash>",
    f"sha256:{HASHED}": "sha256:<hash>",
    "app@" + HASHED[:40]: "app@<hash>",
    "--since=1700000000.25": "--since=<number>",
    "v1.20240101": "v1.20240101",
    "/tmp/ccAb12Cd.s": "/tmp/cc<temp>.s",
    "-fresolution=/tmp/cc5kPq0x.res": "-fresolution=/tmp/cc<temp>.res",
    "/tmp/tmp.x1Y2z3A4b5/in": "/tmp/tmp.<temp>/in",
    "/tmp/pip-install-a1b2c3d4/wheel": "/tmp/pip-install-<temp>/wheel",
    "/tmp/my-14fh2w7z/a": "/tmp/my-<temp>/a",
    "/tmp/my_AbC123": "/tmp/my_<temp>",
    "/tmp/job-_f4vx5u6": "/tmp/job-<temp>",
    "/tmp/my_fp/run": "/tmp/my_fp/run",
    "/tmp/go-build1234567890/b001": "/tmp/go-build<temp>/b001",
    "/tmp/build12/python3/x86_64": "/tmp/build12/python3/x86_64",
    "ccAb12Cd.s": "ccAb12Cd.s",
    "find -name *.[ch]?": "find -name [*].[[]ch][?]",
    "<pid>": "[<]pid>",
    "<html>": "<html>",
    "\udcff": "<xff>",
    "...": "[.]..",
}


def generalise(text, rules=tuple(RULES), log=None):
    """A text in the file, of a process that was started in /home/me/src and may know the pid 4711."""
    generaliser = Generaliser(rules, log)
    generaliser.start("/home/me/src")
    return generaliser([text], lambda pid: pid == 4711)[0].written


@pytest.mark.parametrize(("text", "written"), EXAMPLES.items())
def test_texts(text, written):
    """What changes from run to run has a word in its place, and no more than that."""
    assert written == generalise(text)


@pytest.mark.parametrize("text", [text for text in EXAMPLES if "*" not in text and "<" not in text and text != "..."])
def test_exactly(text):
    """Without rules all texts are as they are, but for what means something else in the file."""
    assert text.replace("[", "[[]").replace("\udcff", "<xff>") == generalise(text, ())


def test_why():
    """Each replacement is noted with its rule."""
    log = set()
    generalise("/tmp/ccAb12Cd.s", log=log)
    generalise("make -C /home/me/src", log=log)

    assert {
        Replaced("temporary", "ccAb12Cd.s", "cc<temp>.s"),
        Replaced("directory", "/home/me/src", "<pwd>"),
    } == log


def test_pids_are_told_anew_each_time():
    """A number that was no pid is one when its process is there, however often it was seen before."""
    near = set()
    generaliser = Generaliser(RULES)
    before = generaliser(["x-4711"], near.__contains__)[0].written
    near.add(4711)

    assert ("x-4711", "x-<pid>") == (before, generaliser(["x-4711"], near.__contains__)[0].written)


def test_the_root_is_no_place_to_start():
    """Where a command was started in /, that is not in the place of every path's beginning."""
    generaliser = Generaliser(RULES)
    generaliser.start("/")

    assert generaliser(["/usr/bin/true"], lambda _: False)[0].written == "/usr/bin/true"


@pytest.mark.parametrize("name", ["config", "MyProject", "foo-config.h", "release2", "x86_64-linux-gnu", "lib.so.6"])
def test_names_that_people_give(name):
    """They are not temporary, wherever they are."""
    assert name == temporary(name)


def test_templates_among_the_arguments():
    """Names that are made from one are temporary from there on, wherever they are; the template is as it is."""
    generaliser = Generaliser(RULES)
    texts = ["./confdqvkwx/out", "-d ./confXXXXXX", "./confdqvkwx/out", "confdqvkwxy", "conf.dqvkw"]

    assert ["./confdqvkwx/out", "-d ./confXXXXXX", "./conf<temp>/out", "confdqvkwxy", "conf.dqvkw"] == [
        generaliser([text], lambda _: False)[0].written for text in texts
    ]


def test_templates_of_one_length_and_of_others():
    """Each of them makes names, also where a sign in it would mean something to a regular expression."""
    generaliser = Generaliser(RULES)
    given = ["a.bXXXXXX", "c+dXXXXXX", "XXXXXXe~f", "long.XXXXXXXXXX"]
    generaliser([" ".join(given)], lambda _: False)
    texts = ["a.bq1w2e3", "c+dq1w2e3", "q1w2e3e~f", "long.q1w2e3r4t5", "axbq1w2e3", "ccdq1w2e3", "a.bXXXXXX"]

    assert ["a.b<temp>", "c+d<temp>", "<temp>e~f", "long.<temp>", *texts[4:]] == [
        text.written for text in generaliser(texts, lambda _: False)
    ]


def test_no_marks_are_put_in_what_is_far_from_the_beginning():
    """That is as long as it is to keep us busy; it is compared as it is."""
    generaliser = Generaliser(RULES)
    near, far, other = (
        generaliser(["-" * MOST_SEARCHED * beyond + f" {number}"], lambda _: True)[0].written
        for beyond, number in ((0, 4711), (1, 4711), (1, 4712))
    )

    assert (" <pid>", True) == (near, far != other)
