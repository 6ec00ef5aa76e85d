# SPDX-License-Identifier: GPL-2.0-only
"""`xenpin export` and those who connect to hurt it: a live exporter, and real connections."""
import os
import resource
import socket
import time

import pytest

from test_export import XENPIN, free_port, get, running, until, value

WHOLE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
DEADLINE = 10                # of a request, in clients.c

# What a connection begins with, and what it sends every second.
SLOW = {
    "a request's first line": (b"GET /", b"x"),
    "headers": (b"GET /metrics HTTP/1.1\r\nX: ", b"y"),
    "many headers": (b"GET /metrics HTTP/1.1\r\n", b"A: b\r\n"),
    "nothing": (b"", b""),
    "another request": (WHOLE, b"G"),
    "replies that nobody reads": (200 * WHOLE, b""),
}


class Exporter:
    def __init__(self, process, port):
        self.process, self.port = process, port

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def scrape(self):
        begin = time.monotonic()
        status, _, text = get(self.port)
        assert status == 200 and value(text, "xenpin_up") == 1
        return time.monotonic() - begin


@pytest.fixture
def exporter(recordings, tmp_path):
    port, ready = free_port(), tmp_path / "ready"
    with running(XENPIN, "export", "--recording", recordings["clean"], "--listen", f"127.0.0.1:{port}",
             "--ready-file", ready) as process:
        until(ready.exists)
        yield Exporter(process, port)
    assert process.returncode == 0


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(port, begin):
    s = socket.create_connection(("127.0.0.1", port), timeout=5)
    s.setblocking(False)
    send(s, begin)
    return s


def send(s, data):
    """False: the exporter has closed it."""
    try:
        s.send(data)
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True


def is_open(s):
    try:
        while s.recv(1 << 16):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def drip_on(slow):
    """Those that are not closed yet."""
    time.sleep(0.5)
    return [s for s, drip in slow if send(s, drip) and is_open(s)]


def test_scrapes_go_on_while_a_thousand_connections_drip(exporter, many_files):
    """Of each kind some, each a byte a second: none outlives its deadline, and nothing spins."""
    slow = [(connect(exporter.port, begin), drip) for begin, drip in SLOW.values() for _ in range(184)]
    begun, used, at = time.monotonic(), [], []
    while time.monotonic() < begun + DEADLINE + 2:
        used.append(exporter.cpu())
        at.append(time.monotonic())
        for s, drip in slow:
            send(s, drip)
        assert exporter.scrape() < 2
        assert exporter.descriptors() < 300
        time.sleep(1)
    # At once, unless this machine is busy with other things.
    until(lambda: not drip_on(slow), 3 * DEADLINE)
    # Of replies as many are made first as the sockets have room for, which is this machine's. What spins
    # takes a second each second; 1100 bytes and a scrape take a few hundredths.
    assert (exporter.cpu() - used[4]) / (time.monotonic() - at[4]) < 0.2
    for s, _ in slow:
        s.close()
    exporter.process.terminate()
    assert exporter.process.communicate(timeout=10)[1] == ""


@pytest.mark.parametrize("begin, drip", SLOW.values(), ids=SLOW.keys())
def test_who_is_in_the_way_is_who_waited_longest(exporter, many_files, begin, drip):
    """More than there is room for, of one kind: the newest are still there, and scrapes answered."""
    slow = [connect(exporter.port, begin) for _ in range(400)]
    assert exporter.scrape() < 2
    still = [is_open(s) for s in slow]
    assert sum(still) <= 256
    # Who was served has not waited; when that was, is a matter of how busy this machine is.
    assert WHOLE in begin or (not any(still[:100]) and all(still[-100:]))
    for s in slow:
        s.close()


def test_a_whole_request_has_a_deadline_of_its_own(exporter):
    """Who keeps a connection, as Prometheus does, and asks in time, is not cut off."""
    s = socket.create_connection(("127.0.0.1", exporter.port), timeout=5)
    for _ in range(3):
        s.sendall(WHOLE)
        answer = b""
        while b"xenpin_dropped_records_total" not in answer:
            answer += s.recv(1 << 16)
        time.sleep(DEADLINE * 0.4)
    s.close()


def test_when_descriptors_run_out(exporter):
    """It waits, says so once, and goes on when there are some."""
    resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (exporter.descriptors() + 10,) * 2)
    before = exporter.cpu()
    idle = [socket.create_connection(("127.0.0.1", exporter.port), timeout=5) for _ in range(40)]
    time.sleep(4)
    assert exporter.cpu() - before < 1
    for s in idle:
        s.close()
    assert exporter.scrape() < 5
    exporter.process.terminate()
    assert exporter.process.communicate(timeout=10)[1] == \
        "xenpin: --listen: cannot accept a connection: Too many open files; trying again every second\n"
