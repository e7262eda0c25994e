import socket
from contextlib import suppress

import pytest

from tests.alerts.conftest import TLS, counts, deliver
from tests.alerts.test_message import HOSTILE, hostile_alert
from tests.events import make_alert, make_exec
from whatran.alerts import webhook
from whatran.alerts.webhook import Webhook
from whatran.errors import UsageError

SECRET = "T0P-s3cret"  # noqa: S105  # not one of ours


def _alerts(count):
    return [make_alert(make_exec((f"program-{number}",))) for number in range(count)]


def test_alerts_are_posted(web, monkeypatch):
    """Each as one JSON object in UTF-8, its own fields after a line for people and the name of the host."""
    monkeypatch.setattr(webhook, "host_name", lambda: "web-1")
    server = web()
    delivery = deliver([Webhook(f"{server.url}/{SECRET}?q=1")], _alerts(2), meanwhile=server.start)
    [path, headers, _], _ = server.posts

    assert [["program-0"], ["program-1"]] == [event["process"]["argv"] for event in server.events]
    assert [
        "! high: Shell Of A Web Server (T1505.003): program-0, pid 100, root, by init, on web-1",
        "! high: Shell Of A Web Server (T1505.003): program-1, pid 100, root, by init, on web-1",
    ] == [event["text"] for event in server.events]
    assert ["web-1"] * 2 == [event["host"] for event in server.events]
    assert (f"/{SECRET}?q=1", "application/json") == (path, headers["Content-Type"])
    assert [(2, 0, 0)] == counts(delivery)


def test_hostile_text_is_json(web):
    """Whatever is in an alert, it is one object that says it, and its line has no markup of chats."""
    server = web()
    alert = make_alert(make_exec(("sh", "<!channel> & <https://evil|click>")))
    deliver([Webhook(server.url)], [hostile_alert(), alert], meanwhile=server.start)
    first, second = server.events

    assert HOSTILE.replace("\udcff", "\ufffd") == first["process"]["pathname"]
    assert first["text"].isprintable()
    assert "&lt;!channel&gt; &amp; &lt;https://evil|click&gt;" in second["text"]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_what_may_pass_is_tried_again(web, capfd, status):
    """A server that fails at first gets the alert in the end; why it is tried again is said once."""
    server = web()
    server.answers = [status, status, 204]
    delivery = deliver([Webhook(server.url)], _alerts(1), meanwhile=server.start)

    assert (3, 1) == (len(server.posts), len({body for _, _, body in server.posts}))
    said = f"whatran: webhook {server.url}: it answered {status}; trying again\n"
    assert ([(1, 0, 0)], said) == (counts(delivery), capfd.readouterr().err)


def test_a_server_that_always_fails_is_said_once(web, capfd):
    """Each alert is tried five times; a line at the first try and one at the last say so, whatever number of them."""
    server = web()
    server.answers = [500]
    delivery = deliver([Webhook(f"{server.url}/{SECRET}?{SECRET}#{SECRET}")], _alerts(3), meanwhile=server.start)

    assert (15, [(0, 3, 0)]) == (len(server.posts), counts(delivery))
    assert (
        f"whatran: webhook {server.url}: it answered 500; trying again\n"
        f"whatran: webhook {server.url}: it answered 500, 5 times: an alert was not delivered\n"
        == capfd.readouterr().err
    )


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_what_will_not_pass_is_not_tried_again(web, capfd, status):
    """A request that a server does not want is not made twice."""
    server = web()
    server.answers = [status]
    delivery = deliver([Webhook(server.url)], _alerts(1), meanwhile=server.start)

    assert (1, [(0, 1, 0)]) == (len(server.posts), counts(delivery))
    assert (
        f"whatran: webhook {server.url}: it answered {status}: an alert was not delivered\n" == capfd.readouterr().err
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(web, capfd, status):
    """What an alert says goes nowhere but to the server that was named."""
    server, other = web(), web()
    server.answers, server.headers = [status], {"Location": f"{other.url}/{SECRET}"}
    delivery = deliver([Webhook(server.url)], _alerts(1), meanwhile=lambda: (server.start(), other.start()))
    err = capfd.readouterr().err

    assert (1, 0, [(0, 1, 0)]) == (len(server.posts), len(other.posts), counts(delivery))
    assert f"it answered {status}: it is elsewhere, which is not followed; give that URL" in err
    assert SECRET not in err


def test_a_long_answer_is_not_read(web):
    """Ten megabytes are as good as none."""
    server = web()
    server.body = b"x" * (10 << 20)
    delivery = deliver([Webhook(server.url)], _alerts(2), meanwhile=server.start)

    assert (2, [(2, 0, 0)]) == (len(server.posts), counts(delivery))


def test_a_server_that_hangs_is_given_up(web, capfd, monkeypatch):
    """Each try has its time."""
    monkeypatch.setattr(Webhook, "seconds", 0.2)
    monkeypatch.setattr(Webhook, "tries", 2)
    server = web()
    server.hanging.clear()
    delivery = deliver([Webhook(server.url)], _alerts(1), meanwhile=server.start)

    assert (2, [(0, 1, 0)]) == (len(server.posts), counts(delivery))
    assert "it took longer than 0.2 seconds, 2 times: an alert was not delivered" in capfd.readouterr().err


def test_a_server_that_answers_a_byte_at_a_time_is_given_up(capfd, monkeypatch):
    """It is the whole of a try that has its time, not each wait."""
    monkeypatch.setattr(Webhook, "seconds", 0.5)
    monkeypatch.setattr(Webhook, "tries", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        connections = []

        def drip():
            if not connections:
                connections.append(server.accept()[0])
                connections[0].sendall(b"HTTP/1.1 200 OK\r\n")
            connections[0].sendall(b"X")

        delivery = _dripped(Webhook(f"http://127.0.0.1:{server.getsockname()[1]}"), drip)
        connections[0].close()

    assert [(0, 1, 0)] == counts(delivery)
    assert "it took longer than 0.5 seconds" in capfd.readouterr().err


def _dripped(receiver, drip):
    """Delivers one alert, with that done every 20 ms until it is over."""
    from tests.alerts.conftest import Delivery, time  # noqa: PLC0415

    with Delivery([receiver], 10) as delivery:
        delivery.write(_alerts(1))
        [sender] = delivery.senders
        while not sender.failed + sender.delivered:
            with suppress(OSError):
                drip()
            time.sleep(0.02)  # a line of 64 KiB would be an answer
            delivery.release(0)
    return delivery


@pytest.mark.parametrize("trusted", [True, False])
def test_certificates_are_verified(web, capfd, monkeypatch, trusted):
    """A server whose certificate nobody vouches for gets nothing."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    server = web(tls=True)
    delivery = deliver([Webhook(server.url)], _alerts(1), meanwhile=server.start)
    err = capfd.readouterr().err

    assert (1 if trusted else 0, [(1, 0, 0) if trusted else (0, 1, 0)]) == (len(server.posts), counts(delivery))
    assert trusted == ("" == err)
    assert trusted or "no answer: self-signed certificate, 5 times" in err


def test_nobody_listens(capfd):
    """It is said with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    delivery = deliver([Webhook(f"http://127.0.0.1:{port}/{SECRET}")], _alerts(1))

    assert [(0, 1, 0)] == counts(delivery)
    name = f"whatran: webhook http://127.0.0.1:{port}"
    assert [
        f"{name}: no answer: Connection refused; trying again",
        f"{name}: no answer: Connection refused, 5 times: an alert was not delivered",
    ] == capfd.readouterr().err.splitlines()


def test_no_answer_but_bytes(capfd):
    """What speaks no HTTP is none, and nothing of what it sent is said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)

        def answer():
            connection, _ = server.accept()
            connection.sendall(b"\x1b[31mnot HTTP\r\n\r\n")
            connection.close()

        delivery = _dripped(Webhook(f"http://127.0.0.1:{server.getsockname()[1]}"), answer)
    err = capfd.readouterr().err

    assert [(0, 1, 0)] == counts(delivery)
    assert "no answer: " in err
    assert "\x1b" not in err


def test_the_url_may_stand_in_a_file(web, tmp_path):
    """So that ps shows nobody the secret in it."""
    server = web()
    path = tmp_path / "url"
    path.write_text(f"{server.url}/{SECRET}\n")
    deliver([Webhook(f"@{path}")], _alerts(1), meanwhile=server.start)

    assert [f"/{SECRET}"] == [path for path, _, _ in server.posts]


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        f"ftp://host/{SECRET}",
        f"file:///{SECRET}",
        f"https:///{SECRET}",
        f"https://host:99999/{SECRET}",
        f"https://host:0/{SECRET}",
        f"https://[::1/{SECRET}",
        f"https://host/{SECRET} x",
        f"https://host/{SECRET}\n",
        f"https://host/{SECRET}é",
        f"https://user:{SECRET}@host/",
        "",
    ],
)
def test_what_is_no_url(url):
    """It is said in one sentence that does not have it, as it may hold a secret."""
    with pytest.raises(UsageError) as caught:
        Webhook(url)

    assert str(caught.value).startswith("--webhook takes ")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), (b"\xff", "it is no text")])
def test_a_file_that_cannot_be_read(tmp_path, content, reason):
    """It is named, with the reason."""
    path = tmp_path / "url"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Webhook(f"@{path}")

    assert f"--webhook @{path}: {reason}" == str(caught.value)


def test_ipv6_and_ports_are_in_the_name():
    """All of a URL that is told is where it leads."""
    assert "webhook https://[::1]:8443" == Webhook(f"https://[::1]:8443/{SECRET}").name
