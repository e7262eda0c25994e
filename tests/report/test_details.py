"""All facts of a process, as the page has them."""

from tests.events import MS, make_exec, make_exit, make_fork
from tests.report.builds import build
from tests.report.conftest import drawn, press
from whatran.event import Exec
from whatran.process.lives import Failure, Life, Lives
from whatran.report.collect import LEFT_OUT, OF_FILE, OF_LIFE, OF_PLACE
from whatran.sinks.text import escape, quote


def text(name, value):
    """How a value is to be shown."""
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return [quote([each]) if name == "argv" else escape(each) for each in value] or "none"
    if isinstance(value, dict):
        return [f"{field}: {length} bytes" for field, length in value.items()] or "none"
    return str(value).lower() if isinstance(value, bool) else escape(str(value))


def shown(where):
    """Each field below an element, with its value."""
    facts = {}
    for each in where.locator("[data-field]").all():
        value = each.locator(".value")
        items = value.locator("li")
        facts[each.get_attribute("data-field")] = items.all_text_contents() if items.count() else value.text_content()
    return facts


def open_all(page):
    """Every fold of the details open."""
    while drawn(page).locator("#details details:not([open])").count():
        page.locator("#details details:not([open]) > summary").first.click()
    return drawn(page).locator("#details")


def lives_of(events):
    """The lives by their pids."""
    lives = Lives()
    return {life.pid: life for life in [life for event in events for life in lives(event)] + [*lives.finish()]}


def test_every_field_of_a_life_is_shown(show):
    """As it is, beside what it means; the last program's path and arguments are among the programs."""
    events = build()
    page = show(events)
    page.click("#p3")
    life = lives_of(events)[13]
    expected = {
        name: text(name, getattr(life, name))
        for name in Life.__struct_fields__
        if name not in {"schema", "event", "pathname", "argv", "programs", "failures"}
    }
    facts = {}
    for section in page.locator("#details .of-life").all():
        facts |= shown(section)

    assert expected == facts
    assert "SIGSEGV" == page.locator("[data-field=signal_code] .meaning").inner_text()
    assert "20.0ms" == page.locator("[data-field=duration] .meaning").inner_text()


def test_every_field_of_a_program_is_shown(show):
    """All of its exec but the environment, which holds secrets, and what its process has."""
    given = {
        "cap_effective": (1 << 64) - 1,
        "inode": (1 << 64) - 1,
        "tty": 34816,
        "container_name": "web",
        "tried": ("/bin/a",),
    }
    event = make_exec(
        ("a", "b c"), pid=10, start=MS, at=MS, env=["SECRET=1"], truncated={"argv": 99}, unreadable=["cwd"], **given
    )
    page = show([event, make_exit(pid=10, start=MS, at=2 * MS)])
    page.click("#p0")
    expected = {
        name: text(name, getattr(event, name)) for name in Exec.__struct_fields__ if name not in {*LEFT_OUT, *OF_LIFE}
    }

    assert expected == shown(open_all(page).locator(".of-programs"))
    assert {*OF_FILE, *OF_PLACE} <= expected.keys()
    assert "SECRET" not in page.content()


def test_what_could_not_be_executed_is_shown(show):
    """With every field it has."""
    events = build()
    page = show(events)
    page.click("#p0")
    (failure,) = lives_of(events)[10].failures

    assert {name: text(name, getattr(failure, name)) for name in Failure.__struct_fields__} == shown(
        open_all(page).locator(".of-failures")
    )


def test_programs_one_after_another(show):
    """Each with its path and when it began."""
    page = show(build())
    page.click("#p1")

    assert ["/usr/bin/sh +5.00ms", "/usr/bin/env +14.0ms", "/usr/bin/cc +24.0ms"] == (
        page.locator(".of-programs > details > summary").all_inner_texts()
    )


def test_ancestors_can_be_gone_to(show):
    """From the first one down, each a click away, as are children."""
    page = show(build())
    page.click("#p2")
    links = page.locator("#details nav button .name")

    assert ["make", "cc"] == links.all_inner_texts()
    links.first.click()
    assert "make" in page.locator("#details h2").inner_text()
    page.locator("#details .links button", has_text="grep").click()
    assert "grep" in page.locator("#details h2").inner_text()


def test_arrows_change_what_is_shown(show):
    """While the details are open they are those of the chosen process."""
    page = show(build())
    page.click("#p0")
    press(page, "ArrowDown")

    assert "cc" in page.locator("#details h2").inner_text()


def test_who_was_there_before(show):
    """A process known only as the creator of another says so, and has no end."""
    page = show([make_fork(11, child_start=5 * MS, pid=10, start=MS), make_exit(pid=11, start=5 * MS, at=9 * MS)])

    assert ["(already running)", "(fork)"] == page.locator("#tree .args").all_inner_texts()
