"""What is taken for a secret, and what is not."""

import os
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whatran.redact import MOST_SECRETS, Redactor

SECRET = "Xq7-zR_w9LkTbV3m"  # noqa: S105 (made up, as all here)
AWS = "AKIAIOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105
GITHUB = "ghp_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabcd==\n-----END RSA PRIVATE KEY-----\n"
PLACE = "<redacted:00000000>"


def redacted(argv):
    """The arguments, where every digest is made the same."""
    return [re.sub("<redacted:[0-9a-f]{8}>", PLACE, text) for text in Redactor().command(argv)]


def redacted_env(strings):
    """The same of an environment."""
    raw = b"".join(os.fsencode(string) + b"\0" for string in strings)
    return [
        re.sub("<redacted:[0-9a-f]{8}>", PLACE, os.fsdecode(each)) for each in Redactor().env(raw).split(b"\0")[:-1]
    ]


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        # by the name of an option
        (["x", f"--password={PLACE}"], ["x", f"--password={SECRET}"]),
        (["x", f"--password={PLACE}"], ["x", "--password=with spaces; and 'quotes'"]),
        (["x", "--password", PLACE, "-v"], ["x", "--password", SECRET, "-v"]),
        (["x", "--db-password", PLACE], ["x", "--db-password", "two words"]),
        (["x", f"--Token={PLACE}", f"--api-key={PLACE}"], ["x", f"--Token={SECRET}", f"--api-key={SECRET}"]),
        (["x", f"--client-secret={PLACE}"], ["x", f"--client-secret={SECRET}"]),
        (["x", f"-Dspring.datasource.password={PLACE}"], ["x", f"-Dspring.datasource.password={SECRET}"]),
        (["keytool", "-storepass", PLACE], ["keytool", "-storepass", SECRET]),
        (["kubectl", f"--from-literal=password={PLACE}"], ["kubectl", f"--from-literal=password={SECRET}"]),
        (["kubectl", "--token", PLACE, "get", "pods"], ["kubectl", "--token", SECRET, "get", "pods"]),
        # by the name of a variable
        (["env", f"PGPASSWORD={PLACE}", "psql"], ["env", f"PGPASSWORD={SECRET}", "psql"]),
        (["env", f"DB_PASS={PLACE}", "x"], ["env", "DB_PASS=my secret", "x"]),
        (["docker", "run", "-e", f"API_KEY={PLACE}", "img"], ["docker", "run", "-e", f"API_KEY={SECRET}", "img"]),
        (["sh", "-c", f"MYSQL_PWD={PLACE} mysql db"], ["sh", "-c", f"MYSQL_PWD={SECRET} mysql db"]),
        (["sudo", "sh", "-c", f"TOKEN={PLACE}; curl x"], ["sudo", "sh", "-c", f"TOKEN={SECRET}; curl x"]),
        (["sh", "-c", f"PASSWORD='{PLACE}' make"], ["sh", "-c", "PASSWORD='a b' make"]),
        (["curl", "-d", f"user=a&password={PLACE}"], ["curl", "-d", f"user=a&password={SECRET}"]),
        (["curl", f"https://h/?token={PLACE}&b=1"], ["curl", f"https://h/?token={SECRET}&b=1"]),
        (
            ["curl", "-d", f'{{"user": "a", "password": "{PLACE}"}}'],
            ["curl", "-d", f'{{"user": "a", "password": "{SECRET}"}}'],
        ),
        # quotes, backslashes and blanks within quotes
        (["x", f'{{"password":"{PLACE}","b":1}}'], ["x", r'{"password":"a\"b c\\\\d","b":1}']),
        (["x", f"{{'token': '{PLACE}', 'b': 1}}"], ["x", "{'token': 'ab\"cd', 'b': 1}"]),
        (["sh", "-c", rf'x "{{\"token\": \"{PLACE}\"}}" y'], ["sh", "-c", r'x "{\"token\": \"two words\"}" y']),
        (["sh", "-c", f'x --password="{PLACE}" y'], ["sh", "-c", r'x --password="a \" b\\" y']),
        (["x", f'{{"password":"{PLACE}'], ["x", '{"password":"cut\\']),
        (["x", rf"{{\"token\": \"{PLACE}\"}}"], ["x", r"{\"token\": \"a\\\"b \\\\c\"}"]),
        (["sh", "-c", f'mysql -p"{PLACE}" db'], ["sh", "-c", r'mysql -p"a\" ; b" db']),
        (["sh", "-c", f"x --password={PLACE} y"], ["sh", "-c", r"x --password=$'a\'b c' y"]),
        (["sh", "-c", f"x --password={PLACE}"], ["sh", "-c", 'x --password="cut \\']),
        # by the program
        (["mysql", f"-p{PLACE}", "-u", "root"], ["mysql", f"-p{SECRET}", "-u", "root"]),
        (["/usr/bin/mysqldump", f"-p{PLACE}", "db"], ["/usr/bin/mysqldump", f"-p{SECRET}", "db"]),
        (["mariadb-dump", f"-p{PLACE}"], ["mariadb-dump", f"-p{SECRET}"]),
        (["sudo", "-u", "x", "mysql", f"-p{PLACE}"], ["sudo", "-u", "x", "mysql", f"-p{SECRET}"]),
        (["nsenter", "-t", "1", "mysql", f"-p{PLACE}"], ["nsenter", "-t", "1", "mysql", f"-p{SECRET}"]),
        (["ip", "netns", "exec", "a", "mysql", f"-p{PLACE}"], ["ip", "netns", "exec", "a", "mysql", f"-p{SECRET}"]),
        (["flock", "/run/l", "curl", "-u", f"a:{PLACE}"], ["flock", "/run/l", "curl", "-u", f"a:{SECRET}"]),
        (["sh", "-c", f"exec mysql -p{PLACE} db; mkdir -pv a"], ["sh", "-c", f"exec mysql -p{SECRET} db; mkdir -pv a"]),
        (["ssh", "host", f"mysql -e 'a; b' -p{PLACE} | x -pv"], ["ssh", "host", f"mysql -e 'a; b' -p{SECRET} | x -pv"]),
        (["sshpass", "-p", PLACE, "ssh", "-p", "22", "h"], ["sshpass", "-p", SECRET, "ssh", "-p", "22", "h"]),
        (["sshpass", f"-p{PLACE}", "ssh", "h"], ["sshpass", f"-p{SECRET}", "ssh", "h"]),
        (["curl", "-u", f"me:{PLACE}", "https://h/"], ["curl", "-u", f"me:{SECRET}", "https://h/"]),
        (["curl", "-sSu", f"me:{PLACE}", "h"], ["curl", "-sSu", f"me:{SECRET}", "h"]),
        (["curl", f"-ume:{PLACE}", f"--user=me:{PLACE}"], ["curl", f"-ume:{SECRET}", f"--user=me:{SECRET}"]),
        (["openssl", "rsa", "-passin", f"pass:{PLACE}"], ["openssl", "rsa", "-passin", f"pass:{SECRET}"]),
        (["docker", "login", "-u", "me", "-p", PLACE], ["docker", "login", "-u", "me", "-p", SECRET]),
        (["redis-cli", "-a", PLACE, "ping"], ["redis-cli", "-a", SECRET, "ping"]),
        # by where it stands
        (["curl", "-H", f"Authorization: Bearer {PLACE}"], ["curl", "-H", f"Authorization: Bearer {SECRET}"]),
        (
            ["curl", "-H", f"authorization: basic {PLACE}", "h"],
            ["curl", "-H", "authorization: basic dXNlcjpwYXNz", "h"],
        ),
        (["curl", f"-HAuthorization: {PLACE}"], ["curl", f"-HAuthorization: {SECRET}"]),
        (["curl", "-H", f"PRIVATE-TOKEN: {PLACE}"], ["curl", "-H", f"PRIVATE-TOKEN: {SECRET}"]),
        (["curl", "-H", f"X-Api-Key: {PLACE}"], ["curl", "-H", f"X-Api-Key: {SECRET}"]),
        (["git", "clone", f"https://me:{PLACE}@h/x.git"], ["git", "clone", f"https://me:{SECRET}@h/x.git"]),
        (["psql", f"postgres://me:{PLACE}@h:5432/db"], ["psql", "postgres://me:a@b:c@h:5432/db"]),
        (["git", "push", f"https://:{PLACE}@h/"], ["git", "push", f"https://:{SECRET}@h/"]),
        # by its look
        (["x", PLACE], ["x", AWS]),
        (
            ["aws", "configure", "set", "aws_secret_access_key", PLACE],
            ["aws", "configure", "set", "aws_secret_access_key", AWS_SECRET],
        ),
        (["x", PLACE, f"a={PLACE},b"], ["x", GITHUB, f"a={GITHUB},b"]),
        (["git", "clone", f"https://{PLACE}@github.com/a"], ["git", "clone", f"https://{GITHUB}@github.com/a"]),
        (["x", PLACE], ["x", "github_pat_" + "11ABCDEFG0" * 8]),
        (["x", PLACE], ["x", "xoxb-123456789012-abcdefghijkl"]),
        (["x", PLACE], ["x", JWT]),
        (["x", f"-----BEGIN RSA PRIVATE KEY-----{PLACE}-----END RSA PRIVATE KEY-----\n"], ["x", PEM]),
    ],
)
def test_secrets_are_replaced(expected, argv):
    """Of each only the secret, in whatever program, by its name, its place or its look."""
    assert expected == redacted(argv)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["true"],
        ["x", "--password-file=/run/x", "--password-file", "/run/x", "--password-stdin", "--token-url=https://h/"],
        ["x", "--password", "-v"],
        ["x", "--password="],
        ["ansible", "--ask-pass", "host", "--ask-become-pass", "all"],
        ["ansible", "--private-key", "/home/me/.ssh/id", "--private-key=~/.ssh/id"],
        ["docker", "build", "--secret", "id=npm,src=.npmrc", "."],
        ["git", "commit", "-m", "token: fix"],
        ["git", "commit", "-m", "the password, the key and the secret of mysql -p are now said"],
        ["mkdir", "-p", "a/mysql"],
        ["nc", "-p", "80"],
        ["ssh", "-p", "22", "host", "ls"],
        ["docker", "run", "-p80:80", "mysql"],
        ["find", "/", "-name", "mysql", "-print"],
        ["grep", "-rn", "curl", "-u", "a:b"],
        ["mysql", "-p", "-u", "root", "-P", "3306"],
        ["curl", "-u", "me", "http://h:8080/a@b", "-o", "x:y"],
        ["git", "clone", "ssh://git@github.com:22/a.git", "git@github.com:a/b.git"],
        ["cc", "-DPASSES=3", "-fpass-plugin=x.so", "-o", "keyboard.o", "monkey/tokenizer.c"],
        ["x", "--max-tokens=5", "--passes=3", "tokens=7", "compass=n", "PWD=/tmp", "OLDPWD=/"],
        ["x", "TOKEN_URL=https://h", "SECRET_NAME=a", "PASSWORD_FILE=/run/x", "AWS_ACCESS_KEY_ID=short"],
        [
            "x",
            "0123456789abcdef0123456789abcdef01234567",
            "eyJ",
            "AKIA",
            "ghp_",
            "task-abcdefghijklmnopqrstuvwxyz0123456789",
        ],
        ["systemctl", "start", "getty@tty1.service"],
        ["npm", "i", "@scope/token", "npm_config_cache=abcdefghijklmnopqrst"],
        ["x", "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----"],
    ],
)
def test_what_is_none_is_left_alone(argv):
    """Words that only speak of secrets, files that have some, and options that mean something else."""
    assert argv == Redactor().command(argv)


@pytest.mark.parametrize(
    ("expected", "string"),
    [
        (f"PGPASSWORD={PLACE}", f"PGPASSWORD={SECRET}"),
        (f"GITHUB_TOKEN={PLACE}", "GITHUB_TOKEN=two words"),
        (f"DB_PASSWORD_PROD={PLACE}", f"DB_PASSWORD_PROD={SECRET}"),
        (f"SECRET_KEY_BASE={PLACE}", f"SECRET_KEY_BASE={SECRET}"),
        (f"AWS_SECRET_ACCESS_KEY={PLACE}", "AWS_SECRET_ACCESS_KEY=/" + AWS_SECRET),
        (f"AWS_ACCESS_KEY_ID={PLACE}", f"AWS_ACCESS_KEY_ID={AWS}"),
        (f"DATABASE_URL=postgres://u:{PLACE}@h/d", f"DATABASE_URL=postgres://u:{SECRET}@h/d"),
        (f"STRIPE_API_KEY={PLACE}", f"STRIPE_API_KEY={SECRET}"),
        (f"DEPLOY_KEY_PRIVATE_KEY={PLACE}", f"DEPLOY_KEY_PRIVATE_KEY={PEM}"),
        (f"WHATEVER={PLACE}", f"WHATEVER={JWT}"),
        ("PATH=/usr/bin", "PATH=/usr/bin"),
        ("PWD=/tmp/token", "PWD=/tmp/token"),
        ("SSH_AUTH_SOCK=/tmp/ssh-a/agent.1", "SSH_AUTH_SOCK=/tmp/ssh-a/agent.1"),
        ("GOOGLE_APPLICATION_CREDENTIALS=/home/me/key.json", "GOOGLE_APPLICATION_CREDENTIALS=/home/me/key.json"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token", "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token"),
        ("TOKENIZERS_PARALLELISM=false", "TOKENIZERS_PARALLELISM=false"),
        ("GIT_ASKPASS=/usr/bin/ask", "GIT_ASKPASS=/usr/bin/ask"),
        ("TOKEN=", "TOKEN="),
    ],
)
def test_environments(expected, string):
    """Each string goes by its name, and by what its value looks like; again when it comes again."""
    assert [expected] == redacted_env([string])
    assert ["A=b", expected, expected] == redacted_env(["A=b", string, string])


def test_equal_secrets_are_equal_and_no_others():
    """Wherever they stand, for one Redactor; for another they look otherwise."""
    one, other = Redactor(), Redactor()
    line = ["curl", "-u", f"me:{SECRET}", f"--password={SECRET}", "--token", SECRET, f"--secret={SECRET}x"]
    found = re.findall("<redacted:(.{8})>", " ".join(one.command(line)))

    assert [found[0]] * 3 == found[:3]
    assert found[0] != found[3]
    assert found != re.findall("<redacted:(.{8})>", " ".join(other.command(line)))


@pytest.mark.parametrize(
    "argv", [["x", f"--password={SECRET}"], ["sh", "-c", f"TOKEN={SECRET} x"], ["mysql", f"-p{SECRET}"]]
)
def test_what_is_redacted_stays_as_it_is(argv):
    """Digests are no secrets."""
    once = Redactor().command(argv)

    assert once == Redactor().command(once)


@pytest.mark.parametrize(
    "cut",
    [
        b"mysql\0-pXq7",
        b"x\0--password\0Xq7",
        b"x\0https://u:Xq7",
        b"x\0ghp_Xq7",
        b"sh\0-c\0TOKEN='Xq7",
        b"x\0-----BEGIN PRIVATE KEY-----Xq7",
    ],
)
def test_the_beginning_of_a_secret_is_one_too(cut):
    """Where a text was cut in the middle of it."""
    assert b"Xq7" not in Redactor().argv(cut)


def test_a_text_with_too_many_secrets_is_hidden_whole():
    """So that it does not become much longer than it was."""
    shown, hidden = (Redactor().argv(b"x\0" + b"--password=a\0" * count) for count in (MOST_SECRETS - 1, MOST_SECRETS))

    assert (MOST_SECRETS, MOST_SECRETS - 1) == (shown.count(b"\0"), shown.count(b"--password=<"))
    assert (1, 20) == (hidden.count(b"\0"), len(hidden))


@pytest.mark.parametrize("line", [b"mysql a\n", b"curl -u a:b h;"])
def test_a_text_with_too_many_command_lines_is_hidden_whole(line):
    """Of one program; up to there all else is as it was."""
    shown, hidden = (Redactor().argv(b"sh\0-c\0" + line * count + b"\0") for count in (MOST_SECRETS - 1, MOST_SECRETS))

    assert (3, MOST_SECRETS - 1) == (shown.count(b"\0"), shown.count(line[:5]))
    assert (1, 20) == (hidden.count(b"\0"), len(hidden))


def test_of_very_many_arguments_those_with_hints_are_hidden():
    """What is too much to be searched; all the rest stays."""
    plain = b"file%d\0" * 20_000
    text = b"x\0" + plain + b"monkey\0" * 60_000 + plain + b"--password=a\0"
    found = Redactor().argv(text)

    assert text[: len(plain)] == found[: len(plain)]
    assert (0, True) == (found.count(b"--password=a"), 20_000 < found.count(b"file%d") < 40_001)


_PARTS = st.sampled_from(
    [
        *(
            b"--password",
            b"=",
            b"\0",
            b" ",
            b"mysql",
            b"-p",
            b"curl",
            b"-u",
            b"a:b",
            b"://",
            b"@",
            b"'",
            b'"',
            b"token",
        ),
        *(b"KEY", b"\\", b"Authorization: ", b"Bearer ", b"eyJ", b"ghp_", b"sh\0-c\0", b"<redacted:01234567>", b"x"),
        b"-----BEGIN PRIVATE KEY-----",
    ]
)


@given(st.lists(_PARTS | st.binary(max_size=4), max_size=40).map(b"".join))
@example(b"a=\0--password\0")
def test_strings_stay_apart(raw):
    """Whatever they hold there are as many as before, unless the text is hidden; and it can be done again."""
    redactor = Redactor()
    for redact in (redactor.argv, redactor.env):
        found = redact(raw)

        assert raw.count(b"\0") == found.count(b"\0")
        assert redact(found).count(b"\0") == found.count(b"\0")


_VALUE = st.text("abcdefghXYZ0123456789._~!#%+-", min_size=6, max_size=60).map("Q".__add__)


@given(_VALUE, st.lists(st.sampled_from(["-v", "--name", "file.c", "a=b", "x y"]), max_size=4))
def test_no_byte_of_a_secret_is_left(secret, others):
    """Whatever it is made of, and whatever stands beside."""
    forms = [
        [f"--password={secret}"],
        ["--token", secret],
        [f"https://u:{secret}@h/"],
        ["-H", f"Authorization: Bearer {secret}"],
    ]
    for form in forms:
        line = ["prog", *others, *form, "end"]
        found = Redactor().command(line)

        assert (["prog", *others], "end") == (found[: 1 + len(others)], found[-1])
        assert secret not in "\0".join(found)


@given(st.lists(st.text("abdfghjlmnoruvxyz0123456789/.", max_size=20), max_size=20))
def test_nothing_changes_where_no_pattern_is(strings):
    """The very same object is given."""
    raw = b"".join(string.encode() + b"\0" for string in strings)

    assert raw is Redactor().argv(raw)
    assert raw is Redactor().env(raw)


@pytest.mark.parametrize(
    "plain",
    [b"http_proxy=http://proxy:3128", b"DOCKER_HOST=tcp://127.0.0.1:2375", b"X=sk-foo", b"Y=npm_config", b"Z=xoxb"],
)
def test_a_variable_that_is_whole_is_not_taken_for_one_that_was_cut(plain):
    """What a longer one may have been a secret of is none."""
    assert plain + b"\0A=b\0" == Redactor().env(plain + b"\0A=b\0")


def test_a_variable_that_was_cut_is_not_taken_for_one_that_was_whole():
    """Although the same bytes were no secret before."""
    redactor = Redactor()
    redactor.env(b"X=sk-foo\0A=b\0")

    assert b"sk-foo" not in redactor.env(b"A=b\0X=sk-foo")
