import os
import shutil

import pytest

from tests.rules.made import HEAD, loaded, problems, rule_of
from whatran.errors import UsageError
from whatran.rules.engine import engine
from whatran.rules.load import load

GOOD = rule_of("selection: {Image: /x}\ncondition: selection", title="Good")


def _line(line):
    return rule_of(f"selection:\n    {line}\ncondition: selection")


def _condition(text):
    return rule_of(f"a: {{pid: 1}}\nb_1: {{pid: 2}}\n_c: {{pid: 3}}\ncondition: {text}")


def _correlation(text):
    body = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return f"title: C\ncorrelation:\n{body}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c", "1:5: this is no YAML: mapping values are not allowed in this context"),
        ("a: \x01", "1:4: this is no YAML: control characters are not allowed"),
        ("a: &x 1\nb: *x", "2:4: *x is an alias: in rules write out what it stands for"),
        ("a: !!python/name:os.system x", "1:4: tag:yaml.org,2002:python/name:os.system is a tag: rules have none"),
        ("a: !x 1", "1:4: !x is a tag: rules have none"),
        ("a: !!int x", "1:4: x is not what its tag says"),
        ("? [a]\n: 1", "1:3: a key is a text"),
        ("a: 1\nb: 2\na: 3", "3:1: a is there already, in line 1"),
        ("[" * 40, "1:34: lists and maps lie in one another 32 deep at most"),
        ("- a", "1:1: a rule is a map: title, logsource, detection"),
        ("detection: {}", "1:1: there is no title"),
        ("title: [a]\n" + HEAD, "1:8: title is a text"),
        ("action: global", "1:1: action belongs to Sigma 1: write each rule out as a document of its own"),
        (
            "title: F\nfilter: {}",
            "2:1: this is a filter for other rules, and those are not supported: write it into the rules' conditions",
        ),
        ("title: T", "1:1: there is no logsource: product linux, category process_creation"),
        (f"title: T\n{HEAD}", "1:1: there is no detection"),
        (f"title: T\n{HEAD}\ndetection: {{a: {{pid: 1}}}}", "3:12: there is no condition"),
        (
            GOOD + "level: grave\n",
            "7:8: there is no level grave: it is one of informational, low, medium, high, critical",
        ),
        (GOOD + "whatran: x\n", "7:10: whatran is a map"),
        ("title: " + "x" * 257 + "\n" + HEAD, "1:8: a title has 256 characters at most"),
        (rule_of("timeframe: 5m\na: {pid: 1}\ncondition: a"), "5:5: timeframe is Sigma 1: write a correlation"),
        (rule_of("a: {}\ncondition: a"), "5:8: nothing is selected here"),
        (rule_of("a: []\ncondition: a"), "5:8: nothing is selected here"),
        (rule_of("a: {pid: 1}\ncondition: {}"), "6:16: a condition is a text"),
    ],
)
def test_what_is_wrong_with_a_document(tmp_path, text, expected):
    """File, line and column, and a sentence."""
    assert expected in problems(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Imgae: x", "6:9: there is no field Imgae; did you mean Image?"),
        ("commandline: x", "6:9: there is no field commandline; did you mean CommandLine?"),
        ("Zzz: x", "6:9: there is no field Zzz"),
        ("Image|endwith: x", "6:9: there is no modifier endwith; did you mean endswith?"),
        ("Image|i: x", "6:9: i goes with re only, as in |re|i"),
        ("Image|re|contains: x", "6:9: contains cannot go with re"),
        ("Image|contains|re: x", "6:9: contains cannot go with re"),
        ("Image|all|re: x", "6:9: re comes first of the modifiers"),
        ("Image|re: '('", "6:19: this is no regular expression (of RE2): missing ): ("),
        ("Image|re: '(?=x)'", "6:19: this is no regular expression (of RE2): invalid perl operator: (?="),
        (r"Image|re: '(x)\1'", r"6:19: this is no regular expression (of RE2): invalid escape sequence: \1"),
        ("argv|cidr: 10.0.0.1/8", "6:20: this is no network: 10.0.0.1/8 has host bits set"),
        ("Image|exists: perhaps", "6:23: exists is true or false"),
        ("'|exists': true", "6:20: exists goes with a field"),
        ("pid|gt: x", "6:17: what a field is compared with is a number, without quotes"),
        ("pid|gt: .inf", "6:17: what a field is compared with is a number, without quotes"),
        ("Image|fieldref: Imgae", "6:25: there is no field Imgae; did you mean Image?"),
        (
            "Image|fieldref|contains|startswith: Argv0",
            "6:45: fieldref takes one of startswith, endswith and contains",
        ),
        ("argv|contains|fieldref: env", "6:33: argv and env are both lists: contains takes one at most"),
        ("argv|fieldref|endswith: env", "6:33: argv and env are both lists: endswith takes one at most"),
        ("env|startswith|fieldref: argv", "6:34: env and argv are both lists: startswith takes one at most"),
        ("Image|contains|fieldref: env", "6:34: env is a list: contains goes with a field that is one text"),
        ("Image: {a: b}", "6:16: a field has values, not a map of further fields"),
        ("Image: [[a]]", "6:17: a list of values has no further lists or maps in it"),
        ("Image|contains: null", "6:25: there is no value; null goes with a plain field only"),
        ("Image|contains: []", "6:9: there is no value; null goes with a plain field only"),
        (
            "Image|base64: 'a*'",
            "6:23: a text with wildcards cannot be encoded: write \\* and \\? for the characters",
        ),
        (
            "Image|expand: '%x%'",
            "6:23: nothing says what the placeholder %x% stands for; `placeholders:` can",
        ),
        (
            "CommandLine|windash: ' -a -b -c -d -e -f'",
            "6:30: this stands for 15625 values: 3125 is most",
        ),
    ],
)
def test_what_is_wrong_with_a_line(tmp_path, line, expected):
    """Unknown fields and modifiers are told with those that may be meant."""
    assert [expected] == problems(tmp_path, _line(line))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a and", "a search identifier is missing at the end"),
        ("and a", "a search identifier is missing before and"),
        ("(a", "a bracket is not closed"),
        ("a)", ") stands where and, or or the end should"),
        ("a b_1", "b_1 stands where and, or or the end should"),
        ("a AND b_1", "AND is written in small letters"),
        ("aa", "there is no search identifier aa; did you mean a?"),
        ("2 of b_*", "2 of cannot be: it is 1 of, any of or all of"),
        ("1 of", "of is followed by them, or by a name that may have *"),
        ("1 of x*", "no search identifier is called x*"),
        ("a | count() > 5", "| and what follows it are Sigma 1: write a correlation"),
        ("not " * 40 + "a", "brackets and nots lie in one another 32 deep at most"),
        ("(" * 40 + "a" + ")" * 40, "brackets and nots lie in one another 32 deep at most"),
        ("a" + " or a" * 600, "it has 1000 words at most"),
    ],
)
def test_what_is_wrong_with_a_condition(tmp_path, text, expected):
    """The word that cannot stand there."""
    assert [f"8:16: condition: {expected}"] == problems(tmp_path, _condition(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type: event_count", "there are no rules to correlate"),
        ("type: count", "type is one of event_count, value_count, temporal, temporal_ordered"),
        ("type: temporal\nrules: [Good]\ntimespan: 5x", "timespan is a number with s, m, h or d, as 5m"),
        ("type: temporal\nrules: [Good]\ntimspan: 5m", "there is no key of a correlation called timspan; "),
        ("type: temporal\nrules: [Good]\ntimespan: 5m\ngroup-by: [Usr]", "there is no field Usr; did you mean User?"),
        ("type: event_count\nrules: [Good]\ntimespan: 5m", "condition is a map of gt, gte, lt, lte, eq, neq and a "),
        ("type: event_count\nrules: [Good]\ntimespan: 5m\ncondition: {gte: x}", "gte has a whole number after it"),
        ("type: event_count\nrules: [Good]\ntimespan: 5m\ncondition: {ge: 1}", "there is no operator ge; did you mean"),
        ("type: event_count\nrules: [Good]\ntimespan: 5m\ncondition: {}", "nothing is compared with; it is, as in"),
        (
            "type: value_count\nrules: [Good]\ntimespan: 5m\ncondition: {gte: 2}",
            "value_count has a field whose values are counted, others none",
        ),
        (
            "type: temporal_ordered\nrules: [Good]\ntimespan: 5m\ncondition: {gte: 2}",
            "temporal_ordered is about all of its rules: it has no condition",
        ),
        ("type: temporal\nrules: [God]\ntimespan: 5m", "it refers to a rule God that is not there; did you mean Good?"),
        ("type: temporal\nrules: [C]\ntimespan: 5m", "it refers, over others, to itself or to a rule that cannot be"),
        ("type: temporal\nrules: [Good]\ntimespan: 5m\ngenerate: 3", "generate is true or false"),
    ],
)
def test_what_is_wrong_with_a_correlation(tmp_path, text, expected):
    """The same for what it counts, and for the rules that it refers to."""
    assert any(expected in problem for problem in problems(tmp_path, GOOD, _correlation(text)))


def test_all_problems_of_all_files_are_told_and_good_rules_stay(tmp_path):
    """In the order of files and lines; one bad rule, or one bad file, does not hinder others."""
    bad = rule_of("a: {Imag: x, Image|foo: y}\nb: {Image|re: '['}\ncondition: a and c", title="Bad")
    found = loaded(tmp_path, "a: b: c", bad + "---\n" + GOOD.replace("Good", "Good 2"), GOOD)

    assert ["Good 2", "Good"] == [rule.title for rule in found.rules]
    assert [(1, 5), (5, 9), (5, 18), (6, 19), (7, 16)] == [
        (each.place.line, each.place.column) for each in found.errors
    ]
    assert ["00000.yml", *["00001.yml"] * 4] == [os.path.basename(each.place.file) for each in found.errors]


def test_an_id_is_there_once(tmp_path):
    """The second one is told with the place of the first."""
    found = loaded(tmp_path, GOOD + "id: x\n", GOOD.replace("Good", "Other") + "id: x\n")

    assert ["Good"] == [rule.title for rule in found.rules]
    assert [f"id x is that of {found.rules[0].place} already"] == [each.text for each in found.errors]


def test_rules_for_other_logs_are_left_out(tmp_path):
    """They are no errors: a directory may hold all of them."""
    found = loaded(tmp_path, GOOD.replace("linux", "windows"), GOOD.replace("process_creation", "file_event"), GOOD)

    assert ["Good"] == [rule.title for rule in found.rules]
    assert ((), 2) == (found.errors, len(found.left_out))
    assert "it is for windows/process_creation, not for linux/process_creation" == found.left_out[0].text


def test_what_a_rule_says_of_itself(tmp_path):
    """Author and licence stay with it; techniques are read from its tags; what is under whatran: is kept."""
    more = (
        "id: 1\nname: n\nlevel: high\nstatus: test\nauthor: A\nlicense: DRL-1.1\nreferences: [r]\n"
        "tags: [attack.execution, attack.t1059.004, cve.2020-1]\nwhatran: {positive: [{pid: 1}]}"
    )
    (rule,) = loaded(tmp_path, rule_of("a: {pid: 1}\ncondition: a", more=more)).rules

    assert ("1", "n", "high", "test", "A", "DRL-1.1") == (
        rule.id,
        rule.name,
        rule.level,
        rule.status,
        rule.author,
        rule.licence,
    )
    assert (("T1059.004",), ("r",), {"positive": [{"pid": 1}]}) == (rule.attack, rule.references, rule.extra)


def test_paths_that_are_not_there(tmp_path):
    """Are what was asked for, not what a rule has wrong."""
    with pytest.raises(UsageError, match="cannot read rules: there is no "):
        load([tmp_path / "none"])


def test_a_directory_that_goes_away_meanwhile(tmp_path, monkeypatch):
    """What was in it is not there, and nothing is wrong with the rest."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "it.yml").write_text(GOOD)
    scandir = os.scandir

    def racing(path):
        if path == str(tmp_path / "b"):
            monkeypatch.undo()
            shutil.rmtree(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", racing)
    found = load([tmp_path])

    assert (["Good"], ()) == ([rule.title for rule in found.rules], found.errors)


def test_files_that_cannot_be_read(tmp_path):
    """A pipe, bytes that are no UTF-8, a file that is too large: a sentence each, at once."""
    os.mkfifo(tmp_path / "a.yml")
    (tmp_path / "b.yml").write_bytes(b"title: x\nauthor: \xff\n")
    (tmp_path / "c.yml").write_bytes(b"#" * (1 << 20) + b"\n")

    assert ["1:1: this is no file", "2:9: this is no UTF-8", "1:1: a file of rules has 1 MiB at most"] == [
        f"{each.place.line}:{each.place.column}: {each.text}" for each in load([tmp_path]).errors
    ]


def test_library_raises_all_problems_at_once(tmp_path):
    """In one error, a line each."""
    (tmp_path / "a.yml").write_text(_line("Imag: x") + "---\n" + _line("Imge: x"))

    with pytest.raises(UsageError) as raised:
        engine([tmp_path])

    assert 2 == len(str(raised.value).splitlines())
