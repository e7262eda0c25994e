"""The page in a browser: what is shown, and what keys and mouse do."""

import pytest

from tests.events import MS, make_exec, make_exit
from tests.report.builds import build, process
from tests.report.conftest import drawn, press, rows

ALL = ["make", "cc", "cc1", "segv", "grep", "sudo", "nginx", "true"]


def badges(page, name):
    """What is said of the process of that name in the tree."""
    row = page.locator("#tree .row", has=page.locator(".name", has_text=name)).first
    return row.locator(".badge").all_inner_texts()


def test_processes_stand_below_their_creators(show):
    """One row each, in the order of start, with its level for who cannot see it."""
    page = show(build())

    assert ALL == rows(page)
    assert ["1", "2", "3", "2", "2", "2", "2", "2"] == [
        row.get_attribute("aria-level") for row in page.locator("[role=treeitem]").all()
    ]


@pytest.mark.parametrize("width", [400, 1280])
def test_overview_counts_processes_at_once(show, width):
    """Those that lived at the same time, not all within the width of a pixel."""
    events = [make_exec(("make",), pid=10, start=MS, at=MS)]
    for pid in range(11, 51):
        events += process(("cc",), pid, pid * 2, pid * 2 + 1.5)
    page = show([*events, make_exit(pid=10, start=MS, at=1_000_000 * MS)], viewport={"width": width, "height": 800})

    assert "2 processes at once" == page.get_attribute("#overview", "aria-label")


def test_head_has_the_command_and_the_facts(show):
    """The title is the command line, of the window too."""
    page = show(build(), "make -j2", {"host": "builder", "lost": "12"})

    assert ("make -j2 · whatran", "make -j2") == (page.title(), page.inner_text("#title"))
    assert ["host\nbuilder", "lost\n12"] == page.locator("#facts > div").all_inner_texts()


def test_what_is_odd_has_a_sign_and_a_word(show):
    """Failures, signals, what could not be executed, privilege gained, another user, and what runs on."""
    page = show(build())

    assert ["✕ 2", "⊘ ENOENT"] == badges(page, "make")
    assert ["✕ SIGSEGV core"] == badges(page, "segv")
    assert ["▲ setuid"] == badges(page, "sudo")
    assert ["◆ www-data", "▸ running"] == badges(page, "nginx")
    assert [] == badges(page, "cc1")


def test_each_kind_of_what_is_odd_is_a_click_away(show):
    """A button for each kind there is, with how many; it finds them."""
    page = show(build())
    chips = page.locator("#chips button")

    assert ["✕ failed 4", "⊘ not executed 1", "▲ gained privilege 1", "◆ other user 1", "▸ running 1"] == (
        chips.all_inner_texts()
    )
    chips.nth(2).click()
    assert "1 process" == page.inner_text("#found")
    assert "sudo" == page.locator("#tree [aria-selected=true] .name").inner_text()


def test_a_quiet_run_has_no_marks(show):
    """Where nothing is odd, nothing is said."""
    page = show([make_exec(("true",), pid=10, start=MS, at=MS), make_exit(pid=10, start=MS, at=2 * MS)])

    assert (0, 0) == (page.locator("#chips button").count(), page.locator("#tree .badge").count())


SEARCHES = {
    "main.c": ["cc", "cc1"],
    "MAIN.C cc1": ["cc1"],
    "path:bin/env": ["cc"],
    "user:www": ["nginx"],
    "exit:2": ["make", "grep"],
    "exit:127": ["true"],
    "signal:segv": ["segv"],
    "pid:14": ["grep"],
    "is:failed -grep": ["make", "segv", "true"],
    "is:running": ["nginx"],
    "nosuch": ["make"],
    "'daemon off;'": ["nginx"],
    "is:nothing": [],
    "(": [],
}


def test_search(show):
    """Words all have to be found, a field looks in that alone; the other processes step back."""
    page = show(build())
    press(page, "/")
    found, said = {}, {}
    for query in SEARCHES:
        page.locator("#search:focus").fill(query)
        found[query] = drawn(page).locator("#tree .row:not(.other) .name").all_inner_texts()
        said[query] = page.inner_text("#found")

    assert SEARCHES == found
    assert {query: f"{len(names)} process{'es' * (len(names) != 1)}" for query, names in SEARCHES.items()} == said


def test_only_what_was_found(show):
    """Those and their creators, until the search is cleared."""
    page = show(build())
    page.fill("#search", "cc1")
    page.click("#only")

    assert ["make", "cc", "cc1"] == rows(page)
    press(page, "Escape")
    page.focus("#search")
    press(page, "Escape")
    assert ALL == rows(page)


def test_nothing_found_is_said(show):
    """An empty timeline says why it is."""
    page = show(build())
    page.fill("#search", "nowhere")
    page.click("#only")

    assert ([], True) == (rows(page), page.is_visible("#nothing"))


def test_arrows_move_over_processes(show):
    """Up and down by rows, left to the creator, right to the first child; closing and opening what is below."""
    page = show(build())
    chosen = page.locator("#tree [aria-selected=true] .name")
    page.focus("#tree")
    steps = [("ArrowDown", "make"), ("ArrowDown", "cc"), ("ArrowRight", "cc1"), ("ArrowLeft", "cc"), ("End", "true")]
    seen = [(key, press(page, key) and chosen.inner_text()) for key in (key for key, _ in steps)]

    assert steps == seen
    assert press(page, "Home").locator("#tree").get_attribute("aria-activedescendant") == "p0"
    assert ["make"] == rows(press(page, "ArrowLeft"))
    assert "false" == page.get_attribute("#p0", "aria-expanded")
    assert ALL == rows(press(page, "ArrowRight"))


def test_enter_opens_and_escape_closes(show):
    """The focus goes to the details and back to the tree."""
    page = show(build())
    page.focus("#tree")
    press(page, "ArrowDown", "Enter")

    assert (True, "details") == (page.is_visible("#details"), page.evaluate("document.activeElement.id"))
    press(page, "Escape")
    assert (False, "tree") == (page.is_visible("#details"), page.evaluate("document.activeElement.id"))


def test_n_goes_to_the_next_failure(show):
    """Round and round; with N back."""
    page = show(build())
    page.focus("#tree")
    chosen = page.locator("#tree [aria-selected=true] .name")
    seen = [press(page, key) and chosen.inner_text() for key in ("n", "n", "n", "n", "n", "N")]

    assert ["make", "segv", "grep", "true", "make", "true"] == seen


def test_help(show):
    """A question mark has all keys; Escape closes it."""
    page = show(build())
    press(page, "?")

    assert page.is_visible("#help")
    press(page, "Escape")
    assert not page.is_visible("#help")


def test_tab_goes_through_the_page_in_order(show):
    """Every part can be reached by the keyboard."""
    page = show(build())
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    parts = ["search", "zoom-out", "dense", "tree", "grip", "table"]

    assert parts == [part for part in dict.fromkeys(seen) if part in parts]


def test_zoom_by_keys(show):
    """Plus halves the time shown around its middle, d goes on, 0 shows it all."""
    page = show(build())
    page.focus("#tree")

    assert "" == page.inner_text("#range")
    assert "25.2ms to 75.7ms" == press(page, "+").inner_text("#range")
    assert "37.9ms to 88.4ms" == press(page, "d").inner_text("#range")
    assert "" == press(page, "0").inner_text("#range")


def test_zoom_to_a_process(show):
    """z shows it with some time around it."""
    page = show(build())
    page.focus("#tree")
    press(page, "Home", "ArrowDown", "ArrowRight", "z")

    assert "23.0ms to 85.0ms" == page.inner_text("#range")


def test_zoom_by_wheel_keeps_the_moment_below_the_pointer(show):
    """On the ruler, or with Ctrl, or where there is nothing to scroll."""
    page = show(build())
    box = page.locator("#ruler").bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 5)
    page.mouse.wheel(0, -300)
    start, _, _ = drawn(page).inner_text("#range").partition(" to ")

    assert start.endswith("µs")
    page.mouse.wheel(0, 600)
    assert "" == drawn(page).inner_text("#range")


def test_drag_moves_in_time(show):
    """By as much as the pointer went."""
    page = show(build())
    page.focus("#tree")
    press(page, "+")
    box = page.locator("#bars").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 5, steps=3)
    page.mouse.up()

    assert "50.5ms to 101ms" == drawn(page).inner_text("#range")
    assert not page.is_visible("#details")


def test_a_drag_over_the_ruler_zooms(show):
    """To the time that was dragged over."""
    page = show(build())
    box = page.locator("#ruler").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5, steps=3)
    page.mouse.up()

    assert [25, 50] == [int(float(each)) for each in drawn(page).inner_text("#range").replace("ms", "").split(" to ")]


def test_a_click_on_a_bar_opens_its_process(show):
    """The row under the pointer."""
    page = show(build())
    page.click("#bars", position={"x": 300, "y": 24 * 2 + 12})

    assert "cc1" in page.locator("#details h2").inner_text()
    assert "cc1" == page.locator("#tree [aria-selected=true] .name").inner_text()


def test_pointing_at_a_bar_tells_of_it(show):
    """Command line, pid, start, length, end."""
    page = show(build())
    page.hover("#bars", position={"x": 300, "y": 24 * 3 + 12})

    assert "segv --now\npid 13 · +19.0ms · 20.0ms · ✕ SIGSEGV core" == page.inner_text("#tip")


def colours(page, x, y, width=1, height=1):
    """The different colours in a part of the timeline, in pixels of the page."""
    script = """([x, y, width, height]) => {
      const bars = document.getElementById("bars");
      const ratio = bars.width / bars.clientWidth;
      const copy = new OffscreenCanvas(bars.width, bars.height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(bars, 0, 0);
      const data = copy.getImageData(x * ratio, y * ratio, width * ratio, height * ratio).data;
      return Array.from({ length: data.length / 4 }, (_, at) => data.slice(4 * at, 4 * at + 4).join());
    }"""
    return set(drawn(page).evaluate(script, [x, y, width, height]))


def test_a_bar_stands_where_its_process_was(show):
    """From its start to its end, a segment a program; before it and after it there is none."""
    page = show(build(), viewport={"width": 1600, "height": 800})
    page.mouse.move(5, 5)
    width = page.locator("#bars").bounding_box()["width"]

    def at(ms):
        return frozenset(colours(page, ms * width / (99 * 1.02), 24 * 1 + 19))

    empty, shell, env, cc = at(2), at(8), at(17), at(60)

    assert 4 == len({empty, shell, env, cc})
    assert (at(11), at(91)) == (shell, empty)


def test_a_gap_is_a_band_in_time(show):
    """Where records are missing, all rows say so."""
    page = show(build())
    page.mouse.move(5, 5)
    width = page.locator("#bars").bounding_box()["width"]
    empty = colours(page, width * 0.05, 300, 10, 10)

    assert empty.isdisjoint(colours(page, width * 0.54, 300, 20, 10))


def test_all_rows_at_once(show):
    """r draws every process, however low its row; once more and they can be read."""
    page = show([*build()[:-1], *(event for n in range(200) for event in process(("true",), 100 + n, 50, 60))])
    page.focus("#tree")
    press(page, "r")

    assert [] == rows(page)
    assert ("true", "All 208 processes") == (
        page.get_attribute("#dense", "aria-pressed"),
        page.inner_text("#gutter-head"),
    )
    assert 1 < len(colours(page, 0, 0, 400, 200))
    assert "make" == rows(press(page, "r"))[0]


def executables(page):
    """The table, a list of its cells a row."""
    return [row.locator(".cell").all_inner_texts() for row in drawn(page).locator("#table .body .row").all()]


def test_table_of_executables(show):
    """How often, how many failed, how long, CPU and when last."""
    table = {cells[0].split("\n")[0]: cells[1:] for cells in executables(show(build()))}

    assert {"make", "cc", "cc1", "segv", "grep", "sudo", "nginx", "sh", "env"} == table.keys()
    assert ["1", "✕ 1", "19.0ms", "19.0ms", "3.00ms", "+30.0ms"] == table["grep"]
    assert ["1", "0", "10.0ms", "10.0ms", "0µs", "+14.0ms"] == table["env"]


def test_table_can_be_sorted(show):
    """By any column, either way."""
    page = show(build())
    page.click("[data-key=name] button")
    by_name = executables(page)
    page.click("[data-key=name] button")

    assert by_name == sorted(by_name, key=lambda cells: cells[0].split("\n")[0])
    assert by_name[::-1] == executables(page)
    assert "descending" == page.get_attribute("[data-key=name]", "aria-sort")


def test_an_executable_is_a_filter(show):
    """A click shows only its processes, with their creators; one more all again; Enter does the same."""
    page = show(build())
    page.locator("#table .body .row", has=page.locator(".args", has_text="/usr/bin/cc1")).click()

    assert (["make", "cc", "cc1"], "1 process of cc1") == (rows(page), page.inner_text("#found"))
    page.focus("#table")
    assert ALL == rows(press(page, "Enter"))


def look(page):
    """Colours of the page, and of the canvas."""
    return page.evaluate("getComputedStyle(document.body).backgroundColor"), frozenset(colours(page, 0, 0, 50, 30))


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_theme(show, scheme, other):
    """It is the system's; the button changes it, of the canvas too."""
    page = show(build(), color_scheme=scheme)
    before = look(page)
    page.click("#theme")
    page.mouse.move(5, 5)

    assert other == page.evaluate("document.documentElement.dataset.theme")
    assert [True, True] == [one != another for one, another in zip(before, look(page), strict=True)]
    page.click("#theme")
    assert before == look(page)


def test_a_narrow_window(show):
    """Nothing is wider than the page, details lie over it."""
    page = show(build(), viewport={"width": 480, "height": 700})
    page.click("#p0")

    assert 480 == page.evaluate("document.documentElement.scrollWidth")
    assert page.is_visible("#details")


def test_no_processes(show):
    """A recording of nothing opens too."""
    page = show([])

    assert ([], True) == (rows(page), page.is_visible("#nothing"))
