"""From alerts to the processes of receivers, whatever these do."""

import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.alerts.conftest import counts, deliver, lives, until
from tests.events import S, make_alert, make_exec, make_exit, make_fork
from whatran.alerts import deliver as deliver_module
from whatran.alerts import sender as sender_module
from whatran.alerts import serve as serve_module
from whatran.alerts.command import Command
from whatran.alerts.deliver import Delivery
from whatran.alerts.receiver import UndeliveredError
from whatran.alerts.signals import IGNORED
from whatran.alerts.syslog import Syslog
from whatran.source.capabilities import DAC_READ_SEARCH

MINUTE = 60 * S


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A file, named by $OUT to commands."""
    path = tmp_path / "out"
    monkeypatch.setenv("OUT", os.fspath(path))
    return path


def _alerts(count, **given):
    return [make_alert(make_exec((f"program-{number}",), **given)) for number in range(count)]


def _delivered(path):
    """What a command has written there: programs, and the counts of those not delivered."""
    told = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        event["process"]["argv"][0]
        if event["event"] == "alert"
        else (event["repeated"], event["over_rate"], event["dropped"])
        for event in told
    ]


def test_only_alerts_are_delivered(out):
    """Of all events, and to each receiver."""
    events = [make_exec(), make_alert(make_exec(("sh",))), make_fork(), make_exit()]
    delivery = deliver([Command("cat >> $OUT"), Command("cat >> $OUT.2")], events)

    assert (["sh"], ["sh"]) == (_delivered(out), _delivered(out.with_name("out.2")))
    assert (1, 0, 0, [(1, 0, 0)] * 2) == (
        delivery.made.total(),
        delivery.repeated,
        delivery.over_rate,
        counts(delivery),
    )


def test_what_is_withheld_is_delivered_as_a_number(out):
    """At the end at the latest."""
    delivery = deliver([Command("cat >> $OUT")], [*_alerts(4), *_alerts(1)], rate=2)

    assert ["program-0", "program-1", (1, 2, 0)] == _delivered(out)
    assert (5, 1, 2, [(2, 0, 0)]) == (delivery.made.total(), delivery.repeated, delivery.over_rate, counts(delivery))


def test_what_is_withheld_is_told_when_the_minute_is_over(out):
    """Also where nothing else happens."""
    with Delivery([Command("cat >> $OUT")], 1) as delivery:
        delivery.write([*_alerts(1, at=S), *_alerts(1, at=2 * S)])
        assert S + MINUTE == delivery.due
        delivery.release(S + MINUTE)
        until(lambda: out.exists() and 2 == len(_delivered(out)))
        assert None is delivery.due

    assert ["program-0", (1, 0, 0)] == _delivered(out)


def test_each_machine_has_its_minutes(out):
    """Alerts of two recordings, whose clocks differ, are never taken for one."""
    delivery = deliver([Command("cat >> $OUT")], [*_alerts(1, at=90 * S), *_alerts(1, at=S, boot_id="other")])

    assert (["program-0", "program-0"], 0) == (_delivered(out), delivery.repeated)


@pytest.fixture
def stopped():
    """Starts a Delivery whose one receiver takes nothing before it gets SIGCONT."""
    made = []

    def stopped(command="exit 0"):
        delivery = Delivery([Command(command)], 1 << 30)
        made.append(delivery)
        [sender] = delivery.senders
        os.kill(sender.pid, signal.SIGSTOP)
        until(lambda: _stopped(sender.pid))
        return delivery, sender

    yield stopped
    for delivery in made:
        for sender in delivery.senders:
            if lives(sender.pid):
                sender.kill(signal.SIGKILL)
                delivery.close()


def test_nothing_waits_for_a_receiver(stopped):
    """One that takes nothing has a full queue; what is over it is dropped and counted, and nobody ever waits for it."""
    delivery, sender = stopped()
    before = _switches()
    delivery.write(_alerts(20_000))
    delivery.release(S)
    waited = _switches() - before
    dropped = sender.dropped
    sender.kill(signal.SIGKILL)
    delivery.close()

    assert waited < 20  # as memory may have to be waited for; whoever waited for the receiver would wait for ever
    assert (20_000, 0, 20_000 - dropped, dropped) == (delivery.made.total(), *counts(delivery)[0])
    assert 20_000 > dropped > 15_000


def _stopped(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def _switches():
    """How often this thread has waited for something."""
    with open("/proc/thread-self/status") as file:
        return int(next(line for line in file if line.startswith("voluntary_ctxt_switches")).split()[1])


def test_what_was_dropped_is_told_once_there_is_room(stopped, out, monkeypatch):
    """In the stream of alerts, with the number; and what comes after it is delivered."""
    monkeypatch.setattr(sender_module, "QUEUE_BYTES", 1 << 14)
    monkeypatch.setattr(sender_module, "PIPE_BYTES", 1 << 12)
    delivery, sender = stopped("cat >> $OUT")
    delivery.write(_alerts(20))
    delivery.release(S)
    dropped, due = sender.untold, delivery.due
    sender.kill(signal.SIGCONT)
    until(lambda: delivery.release(S) or not delivery.due)
    delivery.write(_alerts(1, at=S + MINUTE))
    delivery.close()
    kept = 20 - dropped

    assert S + 50_000_000 == due
    assert [*(f"program-{number}" for number in range(kept)), (0, 0, dropped), "program-0"] == _delivered(out)
    assert [(kept + 1, 0, dropped)] == counts(delivery)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_receiver_that_dies_is_told(capfd, number):
    """Nothing else is harmed, and each alert is counted."""
    with Delivery([Command("exit 0")], 1 << 30) as delivery:
        [sender] = delivery.senders
        os.kill(sender.pid, number)
        until(lambda: not lives(sender.pid))
        delivery.write(_alerts(100))

    assert [(0, 1, 99)] == counts(delivery)
    assert "whatran: --alert: its process has ended, and nothing more is delivered to it\n" == capfd.readouterr().err


def test_the_end_waits_for_what_is_left(out):
    """Alerts in the queue are delivered before all is over."""
    delivery = deliver([Command("sleep 0.05; cat >> $OUT")], _alerts(8))

    assert 8 == len(_delivered(out))
    assert [(8, 0, 0)] == counts(delivery)


def test_the_end_does_not_wait_long(out, monkeypatch):
    """A receiver that goes on is ended with what it runs, and what it did not take is counted."""
    monkeypatch.setattr(deliver_module, "DRAIN_SECONDS", 0.5)
    delivery = deliver([Command("echo $$ > $OUT; sleep 3600")], _alerts(3))

    assert [(0, 3, 0)] == counts(delivery)
    assert not lives(int(out.read_text()))


class _Unreachable:
    """A receiver that nobody answers."""

    name = "nobody"
    tries = 5
    seconds = 10.0
    executes = False

    def send(self, _message):
        raise UndeliveredError("no answer: Name or service not known", again=True)


def test_who_is_ended_between_two_tries_says_why_it_failed(monkeypatch, capfd):
    """The reason is said at the first try, and again with what became of the alert."""
    monkeypatch.setattr(serve_module, "FIRST_PAUSE_SECONDS", 3600)
    monkeypatch.setattr(deliver_module, "DRAIN_SECONDS", 0.1)
    with Delivery([_Unreachable()], 10) as delivery:
        delivery.write(_alerts(1))
        said = _line_of(capfd)

    assert "whatran: nobody: no answer: Name or service not known; trying again\n" == said
    assert [(0, 1, 0)] == counts(delivery)
    assert [
        "whatran: nobody: it is ended, as its 0.1 seconds for what was left are over",
        "whatran: nobody: no answer: Name or service not known: an alert was not delivered",
    ] == capfd.readouterr().err.splitlines()


def _line_of(capfd):
    """The next that is said."""
    said = ""

    def came():
        nonlocal said
        said += capfd.readouterr().err
        return said.endswith("\n")

    until(came)
    return said


def test_who_is_waited_for_long_is_told_of(monkeypatch, capfd):
    """Who looks at a silent terminal knows why, and how to get it back; one that owes nothing is none of these."""
    monkeypatch.setattr(sender_module, "TELL_SECONDS", 0)
    monkeypatch.setattr(deliver_module, "DRAIN_SECONDS", 0.1)
    deliver([Command("exec sleep 3600")], _alerts(1))
    slow = capfd.readouterr().err
    deliver([Command("exec sleep 3600")], [])

    assert [
        "whatran: waiting for alerts to be delivered; Ctrl-C gives up",
        "whatran: --alert: it is ended, as its 0.1 seconds for what was left are over",
    ] == slow.splitlines()
    assert "" == capfd.readouterr().err


def test_the_end_does_not_wait_for_one_that_is_stopped(monkeypatch):
    """It hears no signal but SIGKILL."""
    monkeypatch.setattr(deliver_module, "DRAIN_SECONDS", 0.1)
    monkeypatch.setattr(sender_module, "KILL_SECONDS", 0.1)
    delivery = deliver([Command("kill -STOP $PPID")], _alerts(3))

    assert [(0, 3, 0)] == counts(delivery)
    assert [False] == [lives(sender.pid) for sender in delivery.senders]


_WATCHER = """
import os, sys
from tests.events import make_alert
from whatran.alerts.command import Command
from whatran.alerts.deliver import Delivery
from whatran.alerts.signals import IGNORED
from whatran.alerts.syslog import Syslog
from whatran.source.capabilities import DAC_READ_SEARCH
delivery = Delivery([Command("echo $$ $PPID; exec sleep 3600")], 10)
delivery.write([make_alert()])
sys.stdin.read()
"""


def test_receivers_do_not_outlive_us():
    """Where the one that watches is killed, its receivers' processes end, and what they run."""
    with subprocess.Popen([sys.executable, "-c", _WATCHER], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
        pids = watcher.stderr.readline().split()
        alive = [lives(int(pid)) for pid in pids]
        watcher.kill()
        until(lambda: not any(lives(int(pid)) for pid in pids))

    assert [True, True] == alive


@pytest.mark.parametrize("number", IGNORED)
def test_who_ends_whatran_does_not_end_receivers(out, number):
    """Signals of a terminal, or of systemd to all that a service runs, are for the one that watches."""
    with Delivery([Command("cat >> $OUT")], 10) as delivery:
        [sender] = delivery.senders
        delivery.write(_alerts(1))
        until(out.exists)
        os.killpg(sender.pid, number)
        delivery.write(_alerts(2))

    assert sender.pid != os.getpgid(0)
    assert [(2, 0, 0)] == counts(delivery)


class _Slow:
    """A sender that never ends, and has delivered one more alert each time it is asked, but only so many."""

    name = "slow"
    owed = 0

    def __init__(self, most, fd):
        self.delivered = self.asked = 0
        self._most = most
        self._fd = fd

    def finish(self):
        self.asked += 1
        self.delivered = min(self.delivered + 1, self._most)
        return False

    def wants(self, poll):
        poll.register(self._fd, select.POLLOUT)  # it always is

    def kill(self, number):
        self.finish = lambda: True


@pytest.mark.parametrize(("patient", "asked"), [(False, 5), (True, 25)])
def test_who_is_patient_waits_as_long_as_anything_is_taken(monkeypatch, patient, asked):
    """And so many seconds longer; who is not waits so many."""
    clock = itertools.count()
    monkeypatch.setattr(sender_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    reading, writing = os.pipe()
    slow = _Slow(20, writing)
    sender_module.finish([slow], 5, patient=patient)
    os.close(reading)
    os.close(writing)

    assert asked == slow.asked


def test_without_standard_streams(out):
    """Where whatran has none its receivers do without, too."""
    script = _WATCHER.replace("echo $$ $PPID; exec sleep 3600", "cat > $OUT").replace(
        "sys.stdin.read()", "delivery.close()"
    )
    subprocess.run(["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, script], check=True)

    assert ["true"] == _delivered(out)


def test_nothing_is_held_open(out):
    """A receiver's process has no descriptor but its pipes: whoever waits for one to be closed does not wait for it."""
    reading, writing = os.pipe()
    with Delivery([Command("cat >> $OUT"), Command("cat >> $OUT")], 10) as delivery:
        os.close(writing)
        until(lambda: select.select([reading], [], [], 0.01)[0])
        held = os.read(reading, 1)
        os.close(reading)
        delivery.write(_alerts(1))

    assert b"" == held
    assert [(1, 0, 0)] * 2 == counts(delivery)


def test_who_talks_to_others_has_no_privileges(out):
    """The process of a webhook or syslog may read files, and no more than that for good; a command has what we have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{server.getsockname()[1]}"
        with Delivery([Syslog(address), Command("exit 0")], 10) as delivery:
            delivery.write(_alerts(1))
            syslog, command = delivery.senders
            until(lambda: delivery.release(0) or (syslog.delivered, command.delivered) == (1, 1))
            given_up, kept = (_capabilities(sender.pid) for sender in delivery.senders)

    ours = _capabilities(os.getpid())
    left = ours["CapEff"] & 1 << DAC_READ_SEARCH
    assert {"CapInh": 0, "CapPrm": left, "CapEff": left, "CapAmb": 0, "NoNewPrivs": 1} == given_up
    assert ours == kept


def _capabilities(pid):
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")}


class Short(SimpleNamespace):
    """A receiver that cannot take the first message, for a reason that is none of those it knows."""

    name, tries, seconds, executes = "--short", 1, 30, False

    def send(self, message):
        """Fails once."""
        first, self.first = self.first, None
        if first:
            raise first


@pytest.mark.parametrize("why", [BlockingIOError("no more processes"), UnicodeError("label empty")], ids=str)
def test_what_a_receiver_cannot_is_no_end_of_it(why, capfd):
    """The next alerts are delivered, and why the first was not is said."""
    delivery = deliver([Short(first=why)], _alerts(3))

    assert [(2, 1, 0)] == counts(delivery)
    assert f"--short: {why}: an alert was not delivered" in capfd.readouterr().err
