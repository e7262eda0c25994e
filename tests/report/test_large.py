"""Many processes in one page; how fast that is, bench/page.py says."""

from tests.report.builds import large
from tests.report.conftest import press, rows

PROCESSES = 100_000


def test_a_hundred_thousand_processes(show):
    """All are there and counted, few of them as elements; the last can be gone to, and all be seen at once."""
    page = show(large(PROCESSES))
    page.fill("#search", "is:failed")

    assert f"{PROCESSES // 100:,} processes" == page.inner_text("#found")
    page.fill("#search", "")
    page.focus("#tree")
    press(page, "End")
    assert "sh" == rows(page)[-1]
    assert 100 > page.locator("#tree .row").count()
    table = [cells.split("\n") for cells in page.locator("#table .body .row").all_inner_texts()]
    assert {"make": "1", "cc": "49,999", "sh": "50,000"} == {name: runs for name, _, runs, *_ in table}
    assert [] == rows(press(page, "r"))
    press(page, "+", "+", "+", "0", "r", "Home", "ArrowLeft")
    assert ["make"] == rows(page)
    assert f"+{PROCESSES - 1:,}" == page.locator("#tree .below").inner_text()
