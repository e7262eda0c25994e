"""A process whose every text is an attack, and what a reader is to see of it."""

from tests.events import MS, make_exec, make_exit, make_failed, make_fork

SCRIPT = "</script><img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
COMMENT = "<!--<script>"
TEXTS = {
    SCRIPT: f'"{SCRIPT}"',
    COMMENT: "'<!--<script>'",
    "\x1b[2J\x1b]0;owned\x07": r"$'\x1b[2J\x1b]0;owned\a'",
    "\u202egnp.exe": r"$'\u202egnp.exe'",
    "\u2066isolated\u2069": r"$'\u2066isolated\u2069'",
    "a\nb\rc\td": r"$'a\nb\rc\td'",
    "\udcff\udcfe": r"$'\xff\xfe'",
    "\ud800": r"$'\ud800'",
    "nul\x00byte": r"$'nul\x00byte'",
    "&lt;b&gt;": "'&lt;b&gt;'",
    "{{7*7}} ${7*7} `id`": "'{{7*7}} ${7*7} `id`'",
    "zero\u200bwidth\ufeff": r"$'zero\u200bwidth\ufeff'",
    "": "''",
    "שלום עולם": "'שלום עולם'",
    "🜁" * 3: "'🜁🜁🜁'",
    "__proto__": "__proto__",
    "constructor": "constructor",
}
"""Each argument, and how it is to be shown."""

PATH = f"/tmp/{SCRIPT}/\x1b[31m\u202e\udcff"
SHOWN_PATH = f"/tmp/{SCRIPT}/\\x1b[31m\\u202e\\xff"


def events():
    """One that ran it all, with a child; and what it could not execute."""
    paths = ("pathname", "cmdpath", "script_pathname", "interp", "cwd", "stdin_path", "prev_comm", "comm")
    texts = ("user", "group", "cgroup", "unit", "container_name", "container_image", "pod_name", "ppid_comm")
    names = dict.fromkeys(paths, PATH) | dict.fromkeys(texts, SCRIPT)
    return [
        make_exec(list(TEXTS), pid=1, start=MS, at=MS, tried=(PATH,), ancestors=(SCRIPT,), **names),
        make_failed(PATH, pid=1, start=MS, at=2 * MS, argv=list(TEXTS), tried=(PATH,)),
        make_fork(2, child_start=3 * MS, pid=1, start=MS, comm="</title>"),
        make_exit(1, pid=2, start=3 * MS, at=5 * MS, comm=SCRIPT[:15], ppid=1, creator_pid=1, creator_start_time=MS),
        make_exit(0, pid=1, start=MS, at=9 * MS, comm=SCRIPT[:15]),
    ]
