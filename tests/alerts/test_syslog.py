import os
import re
import socket

import pytest

from tests.alerts.conftest import counts, deliver
from tests.alerts.test_message import hostile_alert
from tests.events import S, make_alert, make_exec
from whatran.alerts.limit import Limiter
from whatran.alerts.message import pack, unpack
from whatran.alerts.syslog import MESSAGE_BYTES, Syslog, frame
from whatran.errors import UsageError

# RFC 5424, section 6, as its ABNF has it.
_NAME = rb"[!#-<>-\\^-~]{1,32}"  # PRINTUSASCII but = SP ] "
_PARAM = rb' (?P<name>%s)="(?P<value>(?:[^"\\\]]|\\["\\\]])*)"' % _NAME
_RFC5424 = re.compile(
    rb"""<(?P<pri>0|[1-9][0-9]{0,2})>1[ ]
    (?P<time>[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]
        (?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))[ ]
    (?P<host>[!-~]{1,255})[ ](?P<app>[!-~]{1,48})[ ](?P<pid>[!-~]{1,128})[ ](?P<msgid>[!-~]{1,32})[ ]
    \[(?P<sdid>%s)(?P<params>(?:%s)*)\]
    (?:[ ](?P<msg>.*))?"""
    % (_NAME, re.sub(rb"\?P<\w+>", b"?:", _PARAM).replace(b" ", b"[ ]").replace(b"#", rb"\#")),
    re.VERBOSE | re.DOTALL,
)
_BOM = b"\xef\xbb\xbf"


def parsed(data):
    """The parts of a message, strictly as RFC 5424 has it."""
    match = _RFC5424.fullmatch(data)
    assert match, data
    parts = match.groupdict()
    assert len(parts["pri"]) <= 3
    assert int(parts["pri"]) <= 191
    parts["params"] = {
        found["name"].decode(): re.sub(rb"\\(.)", rb"\1", found["value"]).decode()
        for found in re.finditer(_PARAM, parts["params"])
    }
    msg = parts["msg"]
    assert msg.isascii() or msg.startswith(_BOM)
    parts["msg"] = msg.removeprefix(_BOM).decode()
    return parts


@pytest.fixture
def unix(tmp_path):
    """A local syslog server."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(os.fspath(tmp_path / "log"))
        server.settimeout(60)
        yield server


@pytest.fixture
def udp():
    """A syslog server for datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        yield server


@pytest.fixture
def tcp():
    """A syslog server for connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def _address(server):
    scheme = "tcp" if server.type == socket.SOCK_STREAM else "udp"
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


def _frames(data):
    """The messages in a stream, by RFC 6587's octet counting."""
    frames = []
    while data:
        length, _, rest = data.partition(b" ")
        assert re.fullmatch(rb"[1-9][0-9]*", length)
        frames.append(rest[: int(length)])
        assert int(length) == len(frames[-1])
        data = rest[int(length) :]
    return frames


NO_ADDRESS = (
    "no address, as udp://HOST:PORT, tcp://HOST:PORT or /SOCKET; write --syslog=ADDRESS, and -- before a command"
)


def _alerts(count):
    return [make_alert(make_exec((f"program-{number}", "a b"))) for number in range(count)]


def test_a_local_socket(unix):
    """Each alert is a datagram of RFC 5424, its facts in structured data, its line the message."""
    delivery = deliver([Syslog(unix.getsockname())], _alerts(2))
    first, second = parsed(unix.recv(65536)), parsed(unix.recv(65536))

    assert [(2, 0, 0)] == counts(delivery)
    assert "! high: Shell Of A Web Server (T1505.003): program-0 'a b', pid 100, root, by init" == first["msg"]
    assert (b"2023-11-14T22:13:20.101000Z", b"whatran", b"alert", b"whatran@32473") == (
        first["time"],
        first["app"],
        first["msgid"],
        first["sdid"],
    )
    assert (socket.gethostname().encode(), str(os.getpid()).encode()) == (first["host"], first["pid"])
    assert {
        "event": "alert",
        "rule": "Shell Of A Web Server",
        "rule_id": "8202070f-edeb-4d31-a010-a26c72ac5600",
        "level": "high",
        "attack": "T1505.003",
        "count": "1",
        "time": "2023-11-14T22:13:20.101000Z",
        "pid": "100",
        "ppid": "1",
        "uid": "0",
        "user": "root",
        "pathname": "/usr/bin/program-1",
        "cwd": "/",
        "parent": "init",
        "ancestors": "init",
        "command": "program-1 'a b'",
    } == second["params"]


def test_datagrams(udp):
    """To a server by UDP, one datagram each."""
    delivery = deliver([Syslog(_address(udp))], _alerts(2))
    got = [parsed(udp.recv(65536))["params"]["pathname"] for _ in range(2)]

    assert (["/usr/bin/program-0", "/usr/bin/program-1"], [(2, 0, 0)]) == (got, counts(delivery))


def test_a_connection(tcp):
    """To a server by TCP, all over one connection, each with its length before it."""
    delivery = deliver([Syslog(_address(tcp))], _alerts(3))
    connection, _ = tcp.accept()
    with connection:
        got = _frames(b"".join(iter(lambda: connection.recv(65536), b"")))

    assert ["/usr/bin/program-0", "/usr/bin/program-1", "/usr/bin/program-2"] == [
        parsed(each)["params"]["pathname"] for each in got
    ]
    assert [(3, 0, 0)] == counts(delivery)


def test_a_connection_that_was_closed_is_made_again(tcp):
    """A server that was started anew gets the next alert."""
    receiver = Syslog(_address(tcp))
    first, second = (unpack(pack(alert)) for alert in _alerts(2))
    receiver.send(first)
    tcp.accept()[0].close()
    receiver.send(second)
    connection, _ = tcp.accept()
    with connection:
        receiver._socket.close()
        got = _frames(b"".join(iter(lambda: connection.recv(65536), b"")))

    assert ["/usr/bin/program-1"] == [parsed(each)["params"]["pathname"] for each in got]


@pytest.mark.parametrize(
    ("level", "severity"), [("critical", 2), ("high", 3), ("medium", 4), ("low", 5), ("informational", 6)]
)
def test_severity_is_by_level(level, severity):
    """The facility is authpriv, the severity the more urgent the graver the level is."""
    assert b"%d" % (10 * 8 + severity) == parsed(frame(unpack(pack(make_alert(level=level))), "host", 1))["pri"]


def test_hostile_text():
    """Whatever is in an alert, its message is one, on one line, and what is in it can be read back."""
    message = unpack(pack(hostile_alert()))
    data = frame(message, "host", 1)
    parts = parsed(data)

    assert data.decode().replace("\ufeff", "").isprintable()
    assert {name: text for name, text in message.facts.items() if text} == parts["params"]
    assert message.text == parts["msg"]


def test_a_message_is_bounded():
    """However long all that a process can choose is, the message is no longer than servers take."""
    for text in ("]" * 10_000, '"\\' * 5_000, "é" * 10_000, "\U0001f600" * 10_000):
        process = make_exec(
            ("sh", text),
            pathname=text,
            script_pathname=text,
            cwd=text,
            user=text,
            container_name=text,
            ancestors=(text,) * 4,
        )
        alert = make_alert(process, rule=text, rule_id=text, attack=(text,))
        data = frame(unpack(pack(alert)), "h" * 300, 4194304)

        assert parsed(data)["msg"]
        assert len(data) <= MESSAGE_BYTES


def test_no_name_of_the_host():
    """One that syslog cannot have is told without what is wrong with it."""
    message = unpack(pack(make_alert()))

    assert [b"-", b"ab", b"h" * 255] == [parsed(frame(message, host, 1))["host"] for host in ("", "a b", "h" * 300)]


def test_what_was_withheld():
    """It is a message too, under its own name."""
    limiter = Limiter(1)
    for _ in range(4):
        limiter(make_alert(make_exec(at=S)))
    parts = parsed(frame(unpack(pack(limiter.close()[0])), "host", 1))

    assert (b"alerts_withheld", "3") == (parts["msgid"], parts["params"]["repeated"])
    assert "… 3 more alerts of Shell Of A Web Server were not delivered: 3 repeated" == parts["msg"]


def test_a_server_that_is_gone(capfd, tmp_path):
    """Each alert is tried five times, and one line says why it was in vain."""
    path = os.fspath(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        receiver = Syslog(path)
    delivery = deliver([receiver], _alerts(3))

    assert [(0, 3, 0)] == counts(delivery)
    assert (
        f"whatran: syslog {path}: Connection refused; trying again\n"
        f"whatran: syslog {path}: Connection refused, 5 times: an alert was not delivered\n" == capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/nowhere/log", "/nowhere/log: No such file or directory; give the address of a server, as udp://HOST:514"),
        ("/etc/passwd", "/etc/passwd: that is no socket; give the one of a syslog server, as /dev/log"),
        *(
            (address, f"{address}: {NO_ADDRESS}")
            for address in (
                "ls",
                "host",
                "http://host",
                "udp://",
                "udp://host:x",
                "udp://host:0",
                "tcp://host/x",
                "udp://[::1",
                "",
            )
        ),
    ],
)
def test_what_is_no_address(address, reason):
    """It is said in one sentence with what can be given."""
    with pytest.raises(UsageError) as caught:
        Syslog(address)

    assert f"--syslog {reason}" == str(caught.value)


def test_the_port_need_not_be_given():
    """It is syslog's."""
    assert [514, 514, 1514] == [Syslog(each)._port for each in ("udp://host", "tcp://[::1]", "tcp://host:1514")]
