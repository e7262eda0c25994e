"""For the tests of the report."""

from whatran.report.collect import Collector


def collect(events):
    """What a page shows of these events."""
    collector = Collector()
    for event in events:
        collector(event)
    return collector.finish()
