"""Rules and execs made at random, from a seed: as many as are wanted, and always the same."""

import random

from tests.events import make_exec
from tests.rules.made import HEAD
from whatran.rules.kin import Kin, Ran
from whatran.rules.model import And, Is, Not, Or, Pattern, Regex, Text

PROGRAMS = (
    "sh",
    "bash",
    "dash",
    "curl",
    "wget",
    "nc",
    "python3",
    "perl",
    "id",
    "uname",
    "cat",
    "chmod",
    "tar",
    "base64",
)
WORDS = [
    *PROGRAMS,
    "-c",
    "-e",
    "/tmp/",
    "/etc/passwd",
    "http://",
    ".sh",
    "--output",
    "| sh",
    "100%",
    "a_b",
    "O'K",
    "x\\y",
]
TEXTS = ("Image", "CommandLine", "ParentImage", "ParentCommandLine", "CurrentDirectory", "User")
PATTERNS = (
    r"\s-[ce]\s",
    r"[0-9]{1,3}\.[0-9]+",
    "^/usr/s?bin/",
    r"(curl|wget)\s+http",
    "a.b",
    "sh$",
    r"(.)\s{2,}",
    "[^a-z/]",
)


def rules(number, seed):
    """Texts of rules, each with an id of its own."""
    rng = random.Random(seed)  # noqa: S311  # the same each time
    return [_rule(rng, each) for each in range(number)]


def _rule(rng, number):
    names = [f"{rng.choice(('selection', 'filter', 'sel'))}_{each}" for each in range(rng.randint(1, 4))]
    lines = [f"title: Rule {number}", f"id: 00000000-0000-4000-8000-{number:012}", HEAD, "detection:"]
    for name in names:
        lines += [f"    {name}:", *(f"        {line}" for line in _selection(rng))]
    lines.append(f"    condition: {_condition(rng, names, 0)}")
    return "\n".join(lines) + "\n"


def _selection(rng):
    if rng.random() < 0.2:  # any of several maps
        return [
            ("- " if at == 0 else "  ") + line
            for _ in range(rng.randint(2, 3))
            for at, line in enumerate(_lines(rng, rng.randint(1, 2)))
        ]
    return _lines(rng, rng.randint(1, 3))


def _lines(rng, number):
    made = {}
    while len(made) < number:
        key, value = _line(rng)
        made[key] = value
    return [f"{key}: {value}" for key, value in made.items()]


def _line(rng):
    field = rng.choice(TEXTS)
    if rng.random() < 0.25:
        return rng.choice(SPECIAL)(rng, field)
    if rng.random() < 0.06:
        modifiers = rng.choice(("|windash|contains", "|base64offset|contains", "|wide|base64offset|contains"))
        return field + modifiers, _quoted(rng.choice(("-c", " -e ", "/tmp/", "http://", "sh")))
    modifiers = rng.choice(("", "|endswith", "|endswith", "|contains", "|contains", "|contains|all", "|startswith"))
    values = [_value(rng, field, modifiers) for _ in range(rng.randint(2 if "all" in modifiers else 1, 4))]
    modifiers += rng.choice(("", "", "", "", "|neq", "|cased"))
    return field + modifiers, values[0] if len(values) == 1 else f"[{', '.join(values)}]"


SPECIAL = (
    lambda rng, field: (f"{field}|re{rng.choice(('', '', '|i'))}", _quoted(rng.choice(PATTERNS))),
    lambda rng, field: (f"LogonId|{rng.choice(('lt', 'lte', 'gt', 'gte'))}", rng.choice((0, 1, 1000, 1500))),
    lambda rng, field: ("LogonId", rng.choice((0, 1000, "[0, 1000]"))),
    lambda rng, field: (rng.choice(("script_pathname", "Image")), "null"),
    lambda rng, field: (f"{rng.choice(('script_pathname', 'Image'))}|exists", rng.choice(("true", "false"))),
    lambda rng, field: (
        f"{field}|fieldref{rng.choice(('', '|startswith', '|endswith', '|contains'))}",
        rng.choice(TEXTS),
    ),
    lambda rng, field: ("comm|cidr", rng.choice(("10.0.0.0/8", "10.1.0.0/16", "192.168.1.7/32", "10.1.2.0/23"))),
)
"""Lines that are more than texts."""


def _value(rng, field, modifiers):
    word = rng.choice(WORDS)
    if "Image" in field:
        program = rng.choice(PROGRAMS)
        word = f"/{program}" if "endswith" in modifiers else f"/usr/bin/{program}" if not modifiers else word
    elif field == "User":
        word = rng.choice(("root", "bob", "www-data", "Root"))
    if rng.random() < 0.12:
        at = rng.randrange(len(word) + 1)
        word = word[:at] + rng.choice(("*", "?", "\\*", "\\\\*", "\\?")) + word[at:]
    return _quoted(word)


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def _condition(rng, names, depth):
    kind = rng.random()
    if depth > 2 or kind < 0.35:
        return rng.choice(names)
    if kind < 0.5:
        return f"{rng.choice(('1', 'any', 'all'))} of {rng.choice((names[0][:3] + '*', names[0].split('_')[0] + '_*'))}"
    if kind < 0.55:
        return f"{rng.choice(('1', 'all'))} of them"
    if kind < 0.7:
        return f"not {_operand(rng, names, depth)}"
    link = rng.choice((" and ", " or ", " and not "))
    return _operand(rng, names, depth) + link + _operand(rng, names, depth)


def _operand(rng, names, depth):
    found = _condition(rng, names, depth + 1)
    return f"({found})" if " and " in found or " or " in found else found


def literals(condition):
    """Texts that a condition asks for, with their fields."""
    match condition:
        case Is(field, Text(_, text) | Regex(text)):
            yield field, text
        case Is(field, Pattern(regex)):
            yield field, regex.pattern
        case Not(part):
            yield from literals(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from literals(part)


def execs(number, seed, given):
    """Execs and what is known of their parents, of texts that these rules ask for, and of what is near to them."""
    rng = random.Random(seed)  # noqa: S311  # the same each time
    pool = {}
    for rule in given:
        for field, text in literals(rule.condition):
            pool.setdefault(field, []).append(text)
    for _ in range(number):
        image, parent = (_path(rng, pool.get(field, ())) for field in ("Image", "ParentImage"))
        ran = Ran.of(parent, _command_line(rng, parent, pool.get("ParentCommandLine", ())))
        event = make_exec(
            _command_line(rng, image, pool.get("CommandLine", ())).split(" "),
            pathname=image,
            user=rng.choice(("root", "bob", "www-data", "ROOT")),
            cwd=rng.choice((*pool.get("CurrentDirectory", ()), "/", "/tmp", "/root")),
            loginuid=rng.choice((0, 1, 1000, 2000)),
            comm=rng.choice(("sh", "10.1.2.3", "10.1.3.4", "10.200.0.1", "192.168.1.7", "11.0.0.1")),
            script_pathname=rng.choice((None, "/usr/bin/tool")),
        )
        yield event, Kin(event.process_start_time, Ran.of(image, None), (ran,))


def _path(rng, texts):
    if texts and rng.random() < 0.5:
        text = _near(rng, rng.choice(texts))
        return text if text.startswith("/") and rng.random() < 0.3 else f"/usr/bin/{text.lstrip('/')}"
    return rng.choice(("/usr/bin/", "/bin/", "/usr/local/bin/", "/tmp/")) + rng.choice((*PROGRAMS, "cc1", "as", "ld"))


def _command_line(rng, image, texts):
    words = [image.rpartition("/")[2]]
    for _ in range(rng.randrange(5)):
        source = texts if texts and rng.random() < 0.5 else WORDS
        words.append(_near(rng, rng.choice(source)))
    return rng.choice((" ", " ", "  ", "")).join(words)


def _near(rng, text):
    """The same, or not quite."""
    kind = rng.random()
    if kind < 0.1 and text:
        at = rng.randrange(len(text))
        return text[:at] + text[at + 1 :]
    return text.swapcase() if kind < 0.2 else text.replace("*", "x") if kind < 0.25 else text
