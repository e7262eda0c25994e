"""Events to tables: rows in the order of the tree, each fact once."""

from tests.events import MS, WALL, make_exec, make_exit, make_fork, make_gap
from tests.report.builds import build
from tests.report.conftest import collect
from whatran.process.lives import Lives
from whatran.process.tree import build as tree_of
from whatran.report.columns import UNKNOWN, Table, Texts, pack
from whatran.report.encode import encode
from whatran.report.order import order


def test_rows_are_in_the_order_of_the_tree():
    """As the tree on the terminal has them."""
    lives = Lives()
    tree = tree_of([*(life for event in build() for life in lives(event)), *lives.finish()])
    walk = []
    stack = tree.children[None][::-1]
    while stack:
        life = stack.pop()
        walk.append(life.pid)
        stack += reversed(tree.children.get(life.key, ()))

    assert walk == collect(build()).tables["processes"].columns["pid"]


def test_order_says_where_each_stands():
    """Its creator, its depth, and where what is below it ends."""
    walk = order(keys="abcde", creators=[None, "a", "b", "a", "x"], starts=[(at, 1) for at in range(5)])

    assert ([0, 1, 2, 3, 4], [-1, 0, 1, 0, -1], [0, 1, 2, 1, 0], [4, 3, 3, 4, 5]) == walk


def test_order_of_a_circle():
    """Nobody is made by who started later, so there is none."""
    walk = order(keys="ab", creators="ba", starts=[(1, 1), (2, 1)])

    assert ([0, 1], [-1, 0]) == (walk.rows, walk.parents)


def test_a_process_that_is_told_twice_is_there_once():
    """The first counts."""
    assert [0] == order(keys="aa", creators=[None, None], starts=[(1, 1), (1, 1)]).rows


def test_order_of_a_deep_chain():
    """Deeper than Python's own stack."""
    deep = 50_000
    walk = order(range(deep), [None, *range(deep - 1)], [(at, 1) for at in range(deep)])

    assert ([*range(deep)], {deep}) == (walk.depths, set(walk.ends))


def test_facts_of_a_file_and_of_a_place_are_kept_once():
    """However many processes have them."""
    events = [make_exec(("sh", str(pid)), pid=pid, start=pid, at=pid) for pid in range(1, 100)]
    tables = collect(events).tables

    columns = ("files", "dev"), ("places", "uid"), ("programs", "argv")
    sizes = [len(tables[table].columns[name]) for table, name in columns]

    assert [1, 1, 99] == sizes


def test_programs_of_a_process_stand_together():
    """In their order, whatever happened in between."""
    events = [
        make_exec(("a",), pid=1, start=1, at=2),
        make_exec(("b",), pid=2, start=1, at=3),
        make_exec(("c",), pid=1, start=1, at=4),
    ]
    collected = collect(events)
    columns = collected.tables["programs"].columns

    assert ["a", "c", "b"] == [collected.texts.strings[text] for text in columns["comm"]]
    assert [2, 3] == collected.tables["processes"].columns["programs_end"]


def test_counts_and_times():
    """Events, execs, what was lost, and from when to when."""
    collected = collect([make_fork(at=5 * MS), make_exec(at=7 * MS), make_gap(9 * MS, count=4), make_exit(at=MS * 11)])

    assert ({"events": 4, "execs": 1, "lost": 4}, WALL + 5 * MS, WALL + 11 * MS) == collected[-1:] + collected[2:4]


def test_the_same_events_make_the_same_page():
    """Byte for byte."""
    assert encode(collect(build())) == encode(collect(build()))


def values(description, data):
    """What a page reads from a column."""
    from array import array  # noqa: PLC0415

    stored = array(description["type"], data)
    if "step" in description:
        now, summed = 0, []
        for each in stored:
            now += each + description["step"]
            summed.append(now)
        stored = summed
    return [None if value == 0 else int(value) + int(description["base"]) for value in stored]


def test_columns_read_back():
    """Whatever the numbers: small, wide, falling, unknown among them."""
    columns = [
        [],
        [UNKNOWN],
        [0, 1, 255],
        [-1, -5, UNKNOWN, 300],
        [1 << 52, 0, UNKNOWN, (1 << 53) - 3],
        [10**18 + n * 1000 for n in range(100)],
        [10**18 - n for n in range(100)],
        [5] * 10,
        [1 << 40, UNKNOWN, 1 << 40],
    ]

    for column in columns:
        expected = [None if value == UNKNOWN else value for value in column]
        assert expected == values(*pack(column, Texts()))


def test_numbers_beyond_those_of_javascript_are_text():
    """No digit is lost."""
    texts = Texts()
    table = Table(texts, {"inode": "number"})
    for inode in (1, None, (1 << 64) - 1):
        table.append(type("Row", (), {"inode": inode}))
    description, data = pack(table.columns["inode"], texts)

    assert "text" == description["kind"]
    assert ["1", None, "18446744073709551615"] == [
        None if number is None else texts.strings[number] for number in values(description, data)
    ]
