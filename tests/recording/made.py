"""Recordings of hand-made frames, and of what a watch gives, beside the events that a Pipeline makes of the same."""

import contextlib

from tests.events import BOOT
from tests.wire.frames import exec_frame, exit_frame, failed_frame, fork_frame
from whatran.pipeline import Pipeline, stages
from whatran.plan import plan
from whatran.process.facts import Facts
from whatran.recorder import Recorder
from whatran.recording import format as form
from whatran.recording.store import OneFile
from whatran.replaying import replay
from whatran.stats import Stats


class Tee:
    """A Taker that hands all it gets to a Pipeline and to a Recorder, and gives the events of the former."""

    def __init__(self, pipeline, recorder):
        self.pipeline = pipeline
        self.recorder = recorder
        self.events = []

    malformed = 0

    @property
    def filtered(self):
        return self.pipeline.filtered

    @property
    def holding(self):
        return self.pipeline.holding

    @property
    def crowded(self):
        return self.pipeline.crowded

    def _both(self, name, *given):
        getattr(self.recorder, name)(*given)
        events = getattr(self.pipeline, name)(*given)
        self.events += events or ()
        return [*(events or ())]

    def __call__(self, frames, boot):
        return self._both("__call__", frames, boot)

    def older(self, living, boot):
        self._both("older", living, boot)

    def unnumbered(self, failed, now_boot_ns, boot):
        return self._both("unnumbered", failed, now_boot_ns, boot)

    def learn(self, living, boot):
        """The recorder wants to know at least of those that the pipeline does."""
        asked = {(each.pid, each.process_start_time): each for each in self.recorder.learn(living, boot)}
        wanted = {(each.pid, each.process_start_time): each for each in self.pipeline.learn(living, boot)}
        assert wanted.keys() <= asked.keys()
        return [*(asked | wanted).values()]

    def complete(self, event, argv, env, settings):
        self.recorder.complete(event, argv, env, settings)
        if "argv" in event.unreadable:
            self.pipeline.complete(event, argv, env, settings)

    def forget(self, event):
        self._both("forget", event)

    def settle(self):
        return self._both("settle")

    def finish(self, produced, now_boot_ns, boot):
        return self._both("finish", produced, now_boot_ns, boot)


def planned(**options):
    """What is to be watched, where nothing is."""
    return plan(["true"], source="ptrace", **options)


def tee_to(path, planned, store=None, *, numbers=False):
    """A Tee, recording to that file."""
    pipeline = Pipeline(stages(Facts(), planned.env_names, planned.conditions), fold=planned.failed == "fold")
    return Tee(pipeline, Recorder(planned, store or OneFile(path, overwrite=True), numbers=numbers))


def lifetime(pid, at, sequence, *, uid=0, argv=b"p\0"):
    """The frames of a process that is forked, executes, fails to execute again and ends."""
    head = {"sequence": sequence, "time_boot_ns": at}
    return [
        fork_frame(start_boot_ns=at, child_pid=pid, child_tid=pid, head=head),
        exec_frame(
            texts={"argv": argv}, head=head | {"time_boot_ns": at + 1}, pid=pid, tid=pid, start_boot_ns=at, uid=uid
        ),
        failed_frame(head=head | {"time_boot_ns": at + 2}, tid=pid, pid=pid, start_boot_ns=at),
        exit_frame(head=head | {"time_boot_ns": at + 3}, tid=pid, pid=pid, start_boot_ns=at),
    ]


def record_blocks(path, blocks=5, *, end=True, boot=BOOT, **given):
    """A recording of so many blocks with a lifetime each, after that with who was there before; its events."""
    tee = tee_to(path, planned(), **given)
    tee.older([], boot)
    for number in range(1, blocks + 1):
        tee(lifetime(100 + number, number * 1_000_000, number), boot)
        tee.recorder._chapter.flush(number)
    if end:
        tee.finish({(1, "sched_process_exec"): blocks}, 10_000_000, boot)
        tee.recorder.end(form.END, Stats())
    tee.recorder.close()
    return tee.events


def replayed(*paths, **options):
    """The events of recordings, and what could not be read of them."""
    with replay(paths, **options) as replaying:
        return list(replaying), replaying.problems


def raw(path):
    """The records of a file, and what could not be read of it."""
    with replay([path]) as replaying, contextlib.closing(replaying):
        return list(replaying.records()), replaying.problems
