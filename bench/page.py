"""What the report costs on this machine, as a Markdown table: `.venv/bin/python -m bench.page [CHROMIUM]`.

A page of a made-up build, opened by a headless Chromium from a file: from the start of the navigation to the first
picture drawn, and the time of a frame while zooming. Medians of several runs.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.events import MS, make_exec, make_exit, make_fork
from whatran.report.collect import Collector
from whatran.report.report import report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from whatran.event import Event

SIZES = (1_000, 10_000, 100_000, 500_000)
RUNS = 3
FRAMES = 60
TWO_FRAMES = "new Promise((done) => requestAnimationFrame((a) => requestAnimationFrame((b) => done(b - a))))"
"""How long a frame took, in ms, all that the browser does included; 16.7 at the least."""

STEPS = (("sh", 1), ("gcc", 1), ("cc1", 40), ("as", 4))
"""What a build executes for each source, one below another, and how long each takes by itself, in ms."""


def main() -> None:
    """Measure and print the table."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or shutil.which("chromium-browser")
    print("| processes | page | made in (CPU) | open | frame, zooming | frame, all rows |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for size in SIZES:
            path = Path(folder, f"{size}.html")
            began = time.process_time()
            deque(build(size), maxlen=0)
            invented = time.process_time() - began
            collector = Collector()
            for event in build(size):
                collector(event)
            path.write_text(report("make -j8", {}, collector.finish()))
            made = time.process_time() - began - 2 * invented
            opened, zooming, dense = [], [], []
            for _ in range(RUNS):
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                opened.append(open_ms(page, path))
                zooming.append(frame_ms(page))
                page.keyboard.press("r")
                dense.append(frame_ms(page))
                page.close()
            figures = [f"{path.stat().st_size / 1e6:.2f} MB", f"{made:.1f} s"]
            figures += [f"{statistics.median(opened):.0f} ms"]
            for each in (zooming, dense):
                script, whole = (statistics.median(times) for times in zip(*each, strict=True))
                figures.append(f"{script:.1f} ms ({whole:.0f} ms)")
            print(f"| {size} |", " | ".join(figures), "|")
        browser.close()


def build(processes: int) -> Iterator[Event]:
    """The events of a make of so many processes, some of which fail."""
    chance = random.Random(1)  # noqa: S311  # the same page each time
    now, pid = 100 * MS, 1000
    yield make_exec(("make", "-j8"), pid=pid, start=now, at=now)
    root, number = (pid, now), 0
    while number < processes - 1:
        line = [root]
        for name, ms in STEPS[: processes - 1 - number]:
            number += 1
            pid += 1
            parent, parent_start = line[-1] if name != "as" else line[-2]
            creator = {"creator_pid": parent, "creator_start_time": parent_start, "ppid": parent}
            yield make_fork(pid, child_start=now, pid=parent, start=parent_start, at=now)
            argv = (name, "-O2", "-Wall", f"-DUNIT={number // 4}", "-o", f"out/{number // 4}.o", f"src/{number // 4}.c")
            yield make_exec(argv, pid=pid, start=now, at=now + MS // 2, **creator)
            line.append((pid, now))
            now += int(ms * chance.uniform(0.5, 2) * MS / 8)
        failed = chance.random() < 0.01
        for at, (each, start) in enumerate(reversed(line[1:])):
            end = now + at * MS
            yield make_exit(int(failed), pid=each, start=start, at=end, duration=end - start, user_time=MS)
    yield make_exit(2, pid=root[0], start=root[1], at=now, duration=now - root[1])


def open_ms(page: Page, path: Path) -> float:
    """From the start of the navigation to the first picture."""
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
    return float(page.get_attribute("html", "data-ready") or "nan")


def frame_ms(page: Page) -> tuple[float, float]:
    """While zooming, the median time that our script takes for a frame, and of the slowest tenth of whole frames."""
    drawn, whole = [], []
    for step in range(FRAMES):
        page.keyboard.press("+" if step % 20 < 12 else "-")
        whole.append(float(page.evaluate(TWO_FRAMES)))
        drawn.append(float(page.get_attribute("html", "data-drawn") or "nan"))
    return statistics.median(drawn), statistics.quantiles(whole, n=10)[-1]


if __name__ == "__main__":
    main()
