"""How secrets commonly look in arguments and environments: each pattern has one in its group ``secret``.

They are held against strings that each stand between two NULs; a text that was cut ends without. What follows a word
that is meant to be any is bounded, and what may be long is matched possessively or but once: the time is linear.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """A pattern, and what a text has where it may fit, in lower case: to look for that takes less."""

    pattern: re.Pattern[bytes]
    sign: bytes
    words: tuple[bytes, ...] = (b"",)
    """One of these, beside the sign."""


Rules = tuple[Rule, ...]

HINTS = (
    *(b"pass", b"_pwd", b"-pwd", b"secret", b"token", b"key", b"credential", b"authoriz", b"bearer", b"://", b"@"),
    *(b"mysql", b"mariadb", b"curl", b"redis-cli", b"ldap", b"login"),
    *(b"akia", b"asia", b"aiza", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"npm_"),
    *(b"xox", b"eyj", b"sk-", b"_live_"),
)
"""Where none of these is, in lower case, no pattern fits: to find that out takes little."""

# What these name is a secret, and what those name is as often a file.
_STRONG = (
    rb"(?:password|passwd|passphrase|passcode|(?:(?<![A-Za-z])|(?<=store)|(?<=key))pass|(?<=[_-])pwd"
    rb"|secret|token(?!s|i[sz]))"
)
_WEAK = rb"(?:(?:api|access|private|auth|account|master|encryption|signing|shared)[_-]?key|credential)"
_NO_FILE = rb"(?![/~.]|file:)"

# How a name may go on: by any word, but for those that say that it is the name of something else.
_ELSE = (
    *(b"file", b"path", b"dir", b"folder", b"sock", b"socket", b"url", b"uri", b"endpoint", b"host", b"name", b"_id"),
    *(b"_ids", b"type", b"len", b"length", b"size", b"_min", b"_max", b"expiry", b"expires", b"expiration", b"ttl"),
    *(b"_age", b"count", b"prompt", b"policy", b"helper", b"cmd", b"command", b"program", b"store", b"provider"),
    *(b"manager", b"enable", b"enabled", b"disabled", b"required", b"timeout", b"scope", b"scopes"),
)
_END = (
    rb"(?:s|[_-]?(?:key|value|base64|base|b64|string|text|data|[0-9]+)(?![A-Za-z]))*+"
    rb"(?:_\w{1,64}+" + b"".join(b"(?<!%b)" % word for word in _ELSE) + rb")?"
)

# A value goes to the end of its string; or as far as a word of a shell, where it stands in a command line.
_ALL = rb"(?P<secret>[^\0]+)"
_WORD = (
    rb"(?P<secret>(?:\$'(?:\\[^\0]?|[^'\\\0])*+(?:'|(?=\0)|\Z)"
    rb"|'[^'\0]*+(?:'|(?=\0)|\Z)"
    rb'|"(?:\\[^\0]?|[^"\\\0])*+(?:"|(?=\0)|\Z)'
    rb"""|\\[^\0]|[^\0\s'"\\&;|<>()])++)"""
)
_QUOTE = rb"""\\?["']"""
_QUOTED = rb"""(?P<secret>(?:\\{4}|\\{3}["']|(?!(?P=quote))(?:\\[^\0]|[^\0]))++)"""
"""As far as the next such quote, where that is not escaped once more: three signs where it is itself escaped."""


def _named(sign: bytes, before: bytes, after: bytes, value: bytes) -> Rules:
    return (
        _any_case(before + _STRONG + _END + after + value, sign, (b"pass", b"pwd", b"secret", b"token")),
        _any_case(before + _WEAK + _END + after + _NO_FILE + value, sign, (b"key", b"credential")),
    )


def _any_case(pattern: bytes, sign: bytes, words: tuple[bytes, ...] = (b"",)) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), sign, words)


# After -c there is a command line: of that a single word is the value.
ASSIGNED = _named(b"=", rb"(?<=\0)(?<!c\0)[\w.=:,-]{0,100}?", b"=", _ALL)
"""NAME=VALUE, --name=VALUE, key=NAME=VALUE, each a string."""

ASSIGNED_WITHIN = _named(b"=", b"", b"=", _WORD)
"""The same, as a word of a string."""

_OPTION = rb"--?+(?!ask|no-|use-|prompt|show|print|list|get|with)[\w-]{0,64}?"
_NEXT = rb"(?!-|(?:id|type|src|source)=)"  # docker build --secret id=…: where there is one
_SCHEME = rb"(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)\s++"
_AUTHORIZATION = rb"authorization(?:" + _QUOTE + rb")?\s*+"

ANYWHERE: Rules = (
    # --name VALUE
    *_named(b"-", rb"(?<=\0)" + _OPTION, rb"\0" + _NEXT, _ALL),
    *_named(b"-", rb"(?<=[\s'\"])" + _OPTION, rb"[ \t]++" + _NEXT, _WORD),
    # "name": "VALUE"
    *_named(b":", b"", _QUOTE + rb"\s*+:\s*+(?P<quote>" + _QUOTE + b")", _QUOTED),
    # Headers: Authorization: SCHEME VALUE, Authorization: VALUE, Some-Token: VALUE
    _any_case(_AUTHORIZATION + rb"[:=]\s*+(?:" + _QUOTE + rb")?" + _SCHEME + rb"(?P<secret>[^\0'\"\\]+)", b"authoriz"),
    _any_case(rb"authorization:\s*+(?!" + _SCHEME + rb")(?P<secret>[^\0\s'\"<]++)(?=['\"\0]|\Z)", b"authoriz"),
    _any_case(rb"\bbearer\s++(?P<secret>[\w.~+/=-]{8,})", b"bearer"),
    _any_case(rb"(?<=-)(?:token|key|secret):\s*+(?P<secret>[^\0\s'\"<]+)", b":", (b"-token", b"-key", b"-secret")),
    # scheme://user:VALUE@host
    Rule(re.compile(rb"://[^/\s\0'\"@:]{0,256}:(?P<secret>[^/\s\0'\"]+)(?:@|\Z)"), b"://"),
    Rule(
        re.compile(rb"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----(?P<secret>[^\0]+?)(?=-----END|\0|\Z)"), b"-----begin"
    ),
    # aws configure set aws_secret_access_key VALUE
    _any_case(rb"secret_?access_?key[\0\s:]++(?P<secret>[a-z0-9/+=]{40})(?![a-z0-9/+=])", b"access"),
    # What tells by its look whose key it is: AWS, GitHub, GitLab, npm, Slack, Google, Stripe, OpenAI; a JSON web token.
    Rule(
        re.compile(
            rb"(?<![A-Za-z0-9_-])(?P<secret>(?:AKIA|ASIA)(?:[A-Z0-9]{16}(?![A-Za-z0-9])|[A-Z0-9]+\Z)"
            rb"|(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AIza|[sr]k_live_)(?:[\w-]{16,}|[\w-]+\Z)"
            rb"|npm_(?:[A-Za-z0-9]{36}(?!\w)|[A-Za-z0-9]+\Z)"
            rb"|sk-(?:[\w-]{32,}|[\w-]+\Z)"
            rb"|eyJ[\w-]{8,}(?:\.[\w-]+){1,4}|eyJ[\w-]+\.?\Z)"
        ),
        b"",
    ),
)
"""What is a secret in whatever program it is given to."""


class Program(NamedTuple):
    """One with options of its own that take a secret."""

    hints: tuple[bytes, ...]
    mention: re.Pattern[bytes]
    """Its name, where a program's is expected; a command line that goes on after it is the group ``line``."""
    in_string: Rule
    in_line: Rule


_AT = rb"(?<=[\0\s])"


def _program(hints: tuple[bytes, ...], name: bytes, option: bytes) -> Program:
    line = rb"""(?P<line>(?:[^\0\n;|&'"]|'[^'\0]*+'|"(?:\\[^\0]|[^"\\\0])*+"|['"])*+)"""
    mention = re.compile(rb"(?<=[\0\s/;|&(`'\"])(?:" + name + rb")(?:(?=\0)|(?=\s)" + line + b")")
    in_string, in_line = (Rule(re.compile(option + value), b"") for value in (_ALL, _WORD))
    return Program(hints, mention, in_string, in_line)


PROGRAMS = (
    _program(
        (b"mysql", b"mariadb"),
        rb"(?:mysql|mariadb)(?:d?-?(?:dump|admin|import|show|check|slap|binlog|upgrade))?|mysqlsh",
        _AT + b"-p",
    ),
    _program((b"curl",), b"curl", _AT + rb"(?:-[sSfkLvgGiIjlnNOqR]*[uU]|--(?:proxy-)?user)[\0\s=]?+[^\0\s:]*+:"),
    _program((b"sshpass",), b"sshpass", rb"(?<=\A[\0\s])-p[\0\s]?+"),
    _program((b"openssl",), b"openssl", _AT + b"pass:"),
    _program((b"redis-cli",), b"redis-cli", _AT + rb"-a[\0\s]"),
    _program((b"ldap",), rb"ldap(?:search|modify|add|delete|passwd|whoami|compare)", _AT + rb"-w[\0\s]?+"),
    _program((b"login",), rb"(?:docker|podman)[\0\s]+login", _AT + rb"-p[\0\s]?+"),
)

_SHELLS = rb"(?:ba|da|z|k|mk|a|fi)?sh|ssh|su|runuser|watch"
SHELL = re.compile(_SHELLS)
"""Whose argument is a command line."""

RUNNER = re.compile(
    _SHELLS + rb"|sudo|doas|env|timeout|nice|ionice|chrt|taskset|nohup|setsid|setpriv|stdbuf|time|strace|ltrace|xargs"
    rb"|parallel|flock|script|unbuffer|chroot|nsenter|unshare|ip|systemd-run|runcon|fakeroot|gosu|su-exec|tini|dumb-init"
    rb"|docker|podman|kubectl|crictl|lxc-attach|machinectl|busybox"
)
"""Whose arguments name another program."""
