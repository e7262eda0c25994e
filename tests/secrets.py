"""A command with secrets, for whatever source, and where they must not be."""

import os

from tests.recording.made import raw
from whatran.cli import main

SECRET = "Xq7zRw9LkTbV3m"  # noqa: S105 (made up)
FORMATS = ("table", "tree", "jsonl", "lives")


def command(edge=0):
    """A shell that executes things, and fails to, with the secret in arguments and environment."""
    url, env = f"https://me:{SECRET}@h/", f"SOME_TOKEN={SECRET}"
    lines = [
        f"env {env} /bin/true --password {SECRET} end",
        f"/nosuch-program {url} 2>/dev/null",
        f"/bin/true {'a' * edge} --password={SECRET} {'b' * 70_000 if edge else ''}",
        "true",
    ]
    return ["sh", "-c", "; ".join(lines)]


def record(path, source, *options, edge=0):
    """What is in a recording of it, unpacked."""
    assert 0 == main(["record", "--env", "--source", source, "-o", str(path), *options, "--", *command(edge)])
    return b"".join(raw(path)[0])


def count_everywhere(path, folder, capfd, *options):
    """How often the secret is in what there is to be seen of a recording, by what shows it."""
    found = {}
    for form in FORMATS:
        capfd.readouterr()
        main(["replay", *options, "--format", form, str(path)])
        found[form] = capfd.readouterr().out.count(SECRET)
    for name in ("a.jsonl", "a.csv", "a.json"):
        main(["export", *options, str(path), "-o", os.fspath(folder / name)])
        found[name] = (folder / name).read_text().count(SECRET)
    main(["report", *options, str(path), "-o", os.fspath(folder / "a.html")])
    found["a.html"] = (folder / "a.html").read_text().count(SECRET)
    capfd.readouterr()
    main(["query", *options, "--format", "json", str(path), "SELECT * FROM execs, failed"])
    found["query"] = capfd.readouterr().out.count(SECRET)
    main(["diff", *options, "--exact", "--explain", "--format", "json", str(path), str(path)])
    found["diff"] = capfd.readouterr().out.count(SECRET)
    return found
