import pytest

from tests.events import MS, make_exec, make_fork
from tests.rules.made import alerts, engine_of, fits, rule_of

CURL = {"argv": ["curl", "-k", "https://Example.org/x"]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Image: /usr/bin/curl", True),
        ("Image: /USR/BIN/CURL", True),
        ("Image: curl", False),
        ("Image: '*/curl'", True),
        ("Image: /usr/?in/cu*", True),
        ("Image: /usr/*/cu?", False),
        ("Image|endswith: /curl", True),
        ("Image|endswith: rl", True),
        ("Image|endswith: /wget", False),
        ("Image|endswith: [/wget, /curl]", True),
        ("Image|startswith: /usr", True),
        ("Image|startswith: /opt", False),
        ("CommandLine|contains: example.ORG", True),
        ("CommandLine|contains|all: [-k, example.org]", True),
        ("CommandLine|contains|all: [-k, example.com]", False),
        ("CommandLine|contains|cased: example.org", False),
        ("CommandLine|contains|cased: Example.org", True),
        ("Image|cased: /usr/bin/CURL", False),
        ("CommandLine|re: 'https?://[A-Z]'", True),
        ("CommandLine|re: 'https?://[a-z]'", False),
        ("CommandLine|re|i: 'HTTPS?://[a-z]+\\.'", True),
        ("CommandLine|re: '^-k'", False),
        ("argv: -k", True),
        ("argv|startswith: https", True),
        ("argv: -z", False),
        ("argv|contains|all: [-k, http]", True),
        ("Image|neq: /usr/bin/curl", False),
        ("Image|neq: [/usr/bin/wget, /usr/bin/nc]", True),
        ("CommandLine|contains|all|neq: [-k, example.com]", True),
        ("pid: 900", True),
        ("pid: '900'", True),
        ("pid|gt: 899", True),
        ("pid|gte: 900", True),
        ("pid|lt: 900", False),
        ("pid|lte: 899.5", False),
        ("memfd: false", True),
        ("memfd: true", False),
        ("script_pathname: null", True),
        ("Image: null", False),
        ("Image: ''", False),
        ("Image: '*'", True),
        ("script_pathname: '*'", False),
        ("script_pathname|exists: false", True),
        ("Image|exists: true", True),
        ("env|exists: true", False),
        ("cmdpath|fieldref: Image", True),
        ("cmdpath|fieldref: cwd", False),
        ("cmdpath|fieldref|startswith: cwd", True),
        ("cmdpath|fieldref|neq: Image", False),
        ("CommandLine|contains|fieldref: comm", True),
        ("argv|fieldref: Argv0", True),
        ("argv|fieldref: AncestorImage", False),
        ("argv|startswith|fieldref: Argv0", True),
        ("Argv0|endswith|fieldref: argv", True),
        ("script_pathname|fieldref: Image", False),
        ("CommandLine|windash|contains: ' /k '", True),
        ("User: root", True),
        ("LogonId: null", True),
    ],
)
def test_line_fits(tmp_path, line, expected):
    """Each way to say what a field has to be, and each modifier."""
    detection = f"selection:\n    {line}\ncondition: selection"

    assert expected == fits(tmp_path, detection, **CURL)


@pytest.mark.parametrize(
    "written", ["0777", "0x41", "off", "Yes", "1_000", "1.0", "1e3", "12:30", ".5", "-0", "2026-11-24", "True", "0o17"]
)
@pytest.mark.parametrize("line", ["argv|cased", "CommandLine|contains|cased", "comm|cased", "argv|cased|expand", None])
def test_text_without_quotes_is_as_it_is_written(tmp_path, line, written):
    """Also what YAML has numbers, booleans and dates of; of fields that are numbers or flags the value counts."""
    selection = f"\n    {line}: {written}" if line else f" [{written}]"

    assert fits(tmp_path, f"s:{selection}\ncondition: s", argv=["x", written], comm=written)
    assert fits(tmp_path, "s: {pid: 0x384, memfd: off}\ncondition: s")


@pytest.mark.parametrize(
    ("written", "path", "expected"),
    [
        (r"/a\*b", "/a*b", True),
        (r"/a\*b", "/axb", False),
        (r"/a\?b", "/a?b", True),
        (r"/a\?b", "/axb", False),
        (r"/a\b", r"/a\b", True),
        (r"/a\\b", r"/a\b", True),
        (r"/a\\*b", r"/a\xb", True),
        (r"/a\\*b", "/a*b", False),
        (r"/a\\\*b", r"/a\*b", True),
        (r"/a\\\*b", r"/a\xb", False),
        ("/a\\", "/a\\", True),
    ],
)
def test_backslash_takes_the_meaning_of_a_wildcard(tmp_path, written, path, expected):
    """Before a wildcard and before itself; before all else it is a character."""
    detection = f"selection:\n    Image: '{written}'\ncondition: selection"

    assert expected == fits(tmp_path, detection, pathname=path)


@pytest.mark.parametrize(
    ("modifiers", "value", "argument"),
    [
        ("base64", "ping", "cGluZw=="),
        ("base64offset|contains", "http://", "xxaHR0cDovLyyy"),
        ("base64offset|contains", "http://", "xxh0dHA6Ly-y"),
        ("base64offset|contains", "http://", "xxodHRwOi8vyy"),
        ("wide|base64offset|contains", "ping", "cABpAG4AZw"),
        ("utf16le|base64", "ping", "cABpAG4AZwA="),
        ("utf16be|base64", "ping", "AHAAaQBuAGc="),
        ("utf16|base64", "ping", "//5wAGkAbgBnAA=="),
        ("utf16le|base64", "ж", "NgQ="),
    ],
)
def test_encoded_values(tmp_path, modifiers, value, argument):
    """What a text looks like once it is encoded, as base64(1) and iconv(1) have it; of offsets what never changes."""
    detection = f"selection:\n    argv|{modifiers}: '{value}'\ncondition: selection"

    assert fits(tmp_path, detection, argv=["x", argument])
    assert not fits(tmp_path, detection, argv=["x", value])


@pytest.mark.parametrize(
    ("network", "expected"),
    [("10.0.0.0/8", True), ("10.1.2.3/32", True), ("11.0.0.0/8", False), ("fe80::/10", True), ("fe00::/16", False)],
)
def test_cidr(tmp_path, network, expected):
    """An argument that is an address of the network; others that only look like one are none."""
    detection = f"selection:\n    argv|cidr: {network}\ncondition: selection"

    assert expected == fits(tmp_path, detection, argv=["x", "10.1.2.3.4", "10.", "10.1.2.3", "fe80::1"])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("- -k\n    - nothing", True),
        ("- nothing", False),
        ("'|all': [-k, example]", True),
        ("'|all': [-k, nothing]", False),
        ("'|re': 'https?:'", True),
        ("- Image|endswith: /wget\n    - CommandLine|contains: -k", True),
        ("- Image|endswith: /wget\n      CommandLine|contains: -k", False),
        ("- -k\n    - Image: nothing", True),
        ("'exam*org'", True),
    ],
)
def test_lists_and_keywords(tmp_path, selection, expected):
    """Of a list one is enough, of a map all are needed; what has no field is looked for in all that an exec says."""
    detection = f"selection:\n    {selection}\ncondition: selection"

    assert expected == fits(tmp_path, detection, **CURL)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("yes1", True),
        ("no1", False),
        ("not no1", True),
        ("yes1 and not no1", True),
        ("no1 or yes1 and yes2", True),
        ("(yes1 or no1) and no2", False),
        ("yes1 or no1 and no2", True),
        ("not (yes1 and no1)", True),
        ("not not yes1", True),
        ("1 of yes*", True),
        ("any of yes*", True),
        ("all of yes*", True),
        ("1 of no*", False),
        ("1 of *1", True),
        ("all of *1", False),
        ("1 of them", True),
        ("all of them", False),
        ("1 of _*", True),
        ("not 1 of no*", True),
        ("yes1 and not 1 of no*", True),
        ("[no1, yes1]", True),
        ("[no1, no2]", False),
    ],
)
def test_condition(tmp_path, condition, expected):
    """Not binds more than and, and that more than or; of several conditions one is enough."""
    detection = f"""
yes1: {{Image: '*'}}
yes2: {{pid: 900}}
no1: {{Image: nothing}}
no2: {{pid: 1}}
_hidden: {{Image: '*'}}
condition: {condition}
"""

    assert expected == fits(tmp_path, detection, **CURL)


def test_hidden_identifiers_are_not_of_them(tmp_path):
    """One that begins with _ is meant only where it is named."""
    detection = "no: {Image: nothing}\n_yes: {Image: '*'}\ncondition: 1 of them"

    assert not fits(tmp_path, detection, **CURL)


def test_placeholders_are_expanded(tmp_path):
    """A document of their own says what they stand for, in all files; an escaped % is one."""
    detection = "selection:\n    User|expand: '%admins%'\ncondition: selection"
    engine = engine_of(tmp_path, rule_of(detection), "placeholders:\n    admins: [root, adm*]\n")

    assert ["root", "admin"] == [
        user for user in ("root", "admin", "%admins%", "bob") if alerts(engine, make_exec(user=user))
    ]


def test_names_of_files_decide_which_rules_are_asked(tmp_path):
    """Whatever a rule says of the path, it is found by: in other directories, in a memfd, negated, with no path."""
    texts = {
        "Image|endswith: /curl": ["/usr/bin/curl", "/x/curl", "memfd:x/curl"],
        "Image|endswith: bin/curl": ["/usr/bin/curl"],
        "Image|contains: curl": ["/usr/bin/curl", "/x/curl", "/x/curl-7", "memfd:curl", "memfd:x/curl"],
        "Image|endswith: url": ["/usr/bin/curl", "/x/curl", "memfd:curl", "memfd:x/curl"],
        "Image: memfd:curl": ["memfd:curl"],
        "Image|neq: /x/curl": ["/usr/bin/curl", "/x/curl-7", "memfd:curl", "memfd:x/curl", "/x/", None],
        "Image|endswith|neq: /curl": ["/x/curl-7", "memfd:curl", "/x/", None],
        "Image|endswith: /": ["/x/"],
    }
    paths = ["/usr/bin/curl", "/x/curl", "/x/curl-7", "memfd:curl", "memfd:x/curl", "/x/", None]

    for line, expected in texts.items():
        detection = f"selection:\n    {line}\ncondition: selection"
        assert (line, expected) == (line, [path for path in paths if fits(tmp_path, detection, pathname=path)])


def test_parents_and_ancestors(tmp_path):
    """What the creator ran when it forked, and its creators, whatever it has executed since."""
    sshd = make_exec(["sshd", "-D"], pid=10, start=10 * MS, at=11 * MS)
    shell = [make_fork(20, pid=10, start=10 * MS, child_start=20 * MS), make_exec(["bash"], pid=20, start=20 * MS)]
    child = make_fork(900, pid=20, start=20 * MS, child_start=900 * MS)
    since = make_exec(["vim"], pid=20, start=20 * MS, at=899 * MS)
    before = [sshd, *shell, child, since]

    def holds(line):
        return fits(tmp_path, f"selection:\n    {line}\ncondition: selection", *before)

    assert holds("ParentImage: /usr/bin/bash")
    assert holds("ParentCommandLine: bash")
    assert holds("AncestorImage|endswith: /sshd")
    assert holds("AncestorCommandLine|contains: ' -d'")
    assert not holds("AncestorImage|endswith: /vim")
