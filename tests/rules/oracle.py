"""What pySigma's backend for SQLite finds: an independent reading of the same rules."""

import re
import sqlite3
from functools import lru_cache

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from whatran.rules.fields import FIELDS

COLUMNS = (
    "Image",
    "CommandLine",
    "ParentImage",
    "ParentCommandLine",
    "CurrentDirectory",
    "User",
    "LogonId",
    "comm",
    "script_pathname",
)


def hits(texts, events):
    """For each rule of these texts, the numbers of the events that it finds; from 0."""
    database = sqlite3.connect(":memory:")
    database.create_function("regexp", 2, lambda pattern, text: text is not None and bool(_regex(pattern).search(text)))
    database.create_function("glob", 3, lambda pattern, text, _: text is not None and bool(_glob(pattern).match(text)))
    columns = ", ".join(f"{name} {'INTEGER' if name == 'LogonId' else 'TEXT'} COLLATE NOCASE" for name in COLUMNS)
    database.execute(f"CREATE TABLE logs ({columns})")
    rows = ([FIELDS[name].get(event, kin) for name in COLUMNS] for event, kin in events)
    database.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    backend = sqliteBackend()
    result = []
    for query in (query for text in texts for query in backend.convert(SigmaCollection.from_yaml(text))):
        where = query.partition(" WHERE ")[2]
        result.append([row - 1 for (row,) in database.execute(f"SELECT rowid FROM logs WHERE {where}")])
    database.close()
    return result


@lru_cache(1000)
def _regex(pattern):
    return re.compile(pattern)


@lru_cache(1000)
def _glob(pattern):
    """SQLite's own knows no escapes, which the backend counts on."""
    translated = re.sub(
        r"\\(.)|(\*)|(\?)|(.)",
        lambda found: ".*" if found[2] else "." if found[3] else re.escape(found[1] or found[4]),
        pattern,
        flags=re.DOTALL,
    )
    return re.compile(translated + r"\Z", re.DOTALL)
