# SPDX-License-Identifier: GPL-2.0-only
"""`xenpin export` fed from a recording, and Debian's own Prometheus that scrapes it."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import lab
import recordings as made

XENPIN = lab.ROOT / "build/xenpin"
CONTRIB = lab.ROOT / "contrib"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            result = what()
            if result:
                return result
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@contextlib.contextmanager
def running(*args):
    process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.said = process.communicate(timeout=30)[1]


@contextlib.contextmanager
def exporter(recording, tmp_path, *options, said=""):
    port, ready = free_port(), tmp_path / "ready"
    with running(XENPIN, "export", "--recording", recording, "--listen", f"127.0.0.1:{port}",
                 "--ready-file", ready, *options) as process:
        until(ready.exists)
        yield port
    assert process.returncode == 0 and process.said == said


def get(port, path="/metrics", headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read().decode()


def value(text, sample):
    return float(re.search(rf"^{re.escape(sample)} (\S+)$", text, re.M).group(1))


def test_figures_are_the_recordings(recordings, tmp_path):
    said = json.loads(subprocess.run([XENPIN, "report", recordings["bad"], "--format", "json"],
                                     capture_output=True, text=True).stdout)
    with exporter(recordings["bad"], tmp_path) as port:
        status, kind, text = get(port, headers=OPENMETRICS)
    assert status == 200 and kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n")
    counts = said["counts"]
    pins = sum(value(text, f'xenpin_pins_total{{level="L{n}"}}') for n in range(1, 5))
    assert pins == counts["pins"] > 0
    assert value(text, "xenpin_unpins_total") == counts["unpins"]
    assert value(text, "xenpin_flush_seconds_count") == said["latency"]["count"] == counts["records"]["batch"]
    assert value(text, 'xenpin_flush_seconds_bucket{le="+Inf"}') == counts["records"]["batch"]
    assert value(text, 'xenpin_flush_seconds_bucket{le="3.2768e-05"}') == counts["records"]["batch"]
    assert value(text, 'xenpin_flush_seconds_bucket{le="1.6384e-05"}') == 0
    assert value(text, 'xenpin_findings{class="released-pinned",grade="shown"}') == 1
    # No label whose values are without bound.
    assert set(re.findall(r"[{,](\w+)=", text)) == {"version", "source", "level", "le", "class", "grade"}


def test_figures_of_a_recorded_boot(recordings, tmp_path):
    with exporter(recordings["repaired"], tmp_path) as port:
        text = get(port)[2]
    for name, figure in (("complete", 1), ("erased_flags", 2), ("unrepaired_flags", 0), ("deferred_pages", 0),
                         ("deferred_seconds", 0)):
        assert value(text, "xenpin_boot_" + name) == figure
    assert set(re.findall(r"^xenpin_findings\{.*\} (\d+)$", text, re.M)) == {"0"}


@pytest.mark.parametrize("name", ["clean", "bad", "repaired"])
def test_promtool_likes_the_text_form(recordings, tmp_path, name):
    with exporter(recordings[name], tmp_path) as port:
        status, kind, text = get(port)
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8"
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert check.returncode == 0 and not check.stdout + check.stderr


def test_it_answers_nothing_else(recordings, tmp_path):
    with exporter(recordings["clean"], tmp_path) as port:
        assert get(port, "/")[0] == 404
        assert get(port, method="POST")[0] in (405, 501)
        assert get(port, method="HEAD")[0] == 200
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 20000 + b"\r\n\r\n")
            assert b" 200 " not in s.recv(100)
        assert get(port)[0] == 200


def test_listening_is_local_unless_told(recordings, tmp_path):
    ready = tmp_path / "ready"
    with running(XENPIN, "export", "--recording", recordings["clean"], "--ready-file", ready) as process:
        until(ready.exists)
        listens = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
        assert re.findall(rf"(\S+)\s+\S+\s+users:.*pid={process.pid},", listens) == ["127.0.0.1:9871"]


@pytest.mark.parametrize("where", ["localhost", "127.0.0.1", "[::1]"])
def test_it_loads_no_name_services(recordings, tmp_path, where):
    """A static program dies of those of another C library; so it has none of them, and no library at all."""
    port, ready = free_port(), tmp_path / "ready"
    with running(XENPIN, "export", "--recording", recordings["clean"], "--listen", f"{where}:{port}",
                 "--ready-file", ready) as process:
        until(ready.exists)
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        assert str(XENPIN) in maps and not re.search(r"\.so[.\d]*$", maps, re.M)
        listens = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
        (at,) = re.findall(rf"(\S+):{port}\s+\S+\s+users:.*pid={process.pid},", listens)
        assert at == {"localhost": "127.0.0.1"}.get(where, where)


@pytest.mark.parametrize("where, sentence", [
    ("127.0.0.1:x", "'127.0.0.1:x' is not ADDRESS:PORT"),
    ("127.0.0.1:70000", "is not ADDRESS:PORT"),
    ("192.0.2.1:9", "cannot listen at 192.0.2.1, port 9"),
    ("a-host.example:9871", "'a-host.example' is no IP address, and names are not looked up"),
    ("127.1:9871", "'127.1' is no IP address"),
    ("[::1%lo]:9871", "'::1%lo' is no IP address"),
])
def test_where_it_cannot_listen(recordings, where, sentence):
    result = subprocess.run([XENPIN, "export", "--recording", recordings["clean"], "--listen", where],
                            capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and sentence in result.stderr


def test_textfile(recordings, tmp_path):
    recording = tmp_path / "a.db"
    shutil.copy(recordings["clean"], recording)
    with running(XENPIN, "export", "--recording", recording, "--textfile", tmp_path, "--interval", "1") as process:
        text = until(lambda: (tmp_path / "xenpin.prom").read_text())
        assert value(text, 'xenpin_findings{class="released-pinned",grade="shown"}') == 0
        shutil.copy(recordings["bad"], tmp_path / "b.db")
        os.replace(tmp_path / "b.db", recording)
        until(lambda: value((tmp_path / "xenpin.prom").read_text(),
                            'xenpin_findings{class="released-pinned",grade="shown"}') == 1)
    assert process.returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db", "xenpin.prom"]
    check = subprocess.run(["promtool", "check", "metrics"], input=(tmp_path / "xenpin.prom").read_text(),
                           capture_output=True, text=True)
    assert check.returncode == 0 and not check.stdout + check.stderr


def test_a_recording_that_goes_on(recordings, tmp_path):
    """What a recorder commits is in SQLite's log at first: the file stays as it is."""
    path = tmp_path / "a.db"
    shutil.copy(recordings["clean"], path)
    recorder = sqlite3.connect(path)
    recorder.execute("PRAGMA journal_mode = WAL")
    untouched = path.stat().st_mtime_ns
    with exporter(path, tmp_path) as port:
        for found in 0, 1:
            assert value(get(port)[2], 'xenpin_findings{class="released-pinned",grade="shown"}') == found
            made.lose_a_flag(path)
            assert path.stat().st_mtime_ns == untouched
    recorder.close()


def test_a_recorder_that_runs(tmp_path):
    path = tmp_path / "a.db"
    with running(made.SOURCE, path, 0):
        until(lambda: made.is_begun(path))
        with exporter(path, tmp_path) as port:
            def pins():
                return value(get(port)[2], 'xenpin_pins_total{level="L4"}')
            before = until(pins)
            until(lambda: pins() > before)


def test_a_recording_that_is_gone_is_down_not_clean(recordings, tmp_path):
    recording = tmp_path / "a.db"
    shutil.copy(recordings["clean"], recording)
    gone = f"xenpin: cannot report on '{recording}' yet: No such file or directory\n"
    with exporter(recording, tmp_path, said=2 * gone) as port:
        for _ in range(2):
            assert value(get(port)[2], "xenpin_up") == 1
            recording.unlink()
            for _ in range(3):
                text = get(port)[2]
                assert value(text, "xenpin_up") == 0 and "xenpin_findings" not in text
            shutil.copy(recordings["clean"], recording)


def test_rules_and_scrape_configuration_are_sound():
    for command in (["rules", "xenpin.rules.yml"], ["config", "prometheus.yml"]):
        check = subprocess.run(["promtool", "check", *command], cwd=CONTRIB, capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr


def test_what_fires_when_an_audit_is_old_or_not_whole():
    check = subprocess.run(["promtool", "test", "rules", lab.ROOT / "tests/cli/alerts.yml"],
                           capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, what, **parameters):
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with urllib.request.urlopen(self.url + what + query, timeout=20) as answer:
            said = json.load(answer)
        assert said["status"] == "success"
        return said["data"]

    def query(self, expression):
        return [(r["metric"], float(r["value"][1])) for r in self.ask("query", query=expression)["result"]]

    def firing(self):
        return {m["alertname"] for m, _ in self.query('ALERTS{alertstate="firing"}')}


@contextlib.contextmanager
def prometheus(tmp_path, target):
    """Debian's, with the contributed files: only the target and the pace are this test's."""
    config = (CONTRIB / "prometheus.yml").read_text().replace("127.0.0.1:9871", f"127.0.0.1:{target}")
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n" + config)
    shutil.copy(CONTRIB / "xenpin.rules.yml", tmp_path)
    port = free_port()
    with running("prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"):
        yield Prometheus(port)


# Figures that no recording has.
LIVE_ONLY = {"xenpin_page_table_bytes", "xenpin_pin_seconds_bucket"}


def test_prometheus_scrapes_it_and_the_alert_fires_and_resolves(recordings, tmp_path):
    recording = tmp_path / "a.db"

    def put(name):
        shutil.copy(recordings[name], tmp_path / "new.db")
        os.replace(tmp_path / "new.db", recording)

    put("clean")
    with exporter(recording, tmp_path) as target, prometheus(tmp_path, target) as p:
        until(lambda: p.query("xenpin_up") and p.query("xenpin_up")[0][1] == 1)
        text = get(target)[2]
        pins = {m["level"]: n for m, n in p.query("xenpin_pins_total")}
        assert pins == {f"L{n}": value(text, f'xenpin_pins_total{{level="L{n}"}}') for n in range(1, 5)}
        assert p.query("histogram_quantile(0.5, xenpin_flush_seconds_bucket)")[0][1] > 1e-5
        assert p.firing() == set()
        put("bad")
        until(lambda: "XenpinFlagLost" in p.firing())
        alert, = [a for a in p.ask("alerts")["alerts"] if a["labels"]["alertname"] == "XenpinFlagLost"]
        assert "1 page tables are released-pinned" in alert["annotations"]["summary"]
        put("clean")
        until(lambda: p.firing() == set())
        # What the dashboard asks, it is answered.
        board = json.loads((CONTRIB / "grafana-dashboard.json").read_text())
        expressions = [t["expr"] for panel in board["panels"] for t in panel["targets"]]
        assert len(expressions) > 10
        for e in expressions:
            for name in re.findall(r"xenpin_\w+", e):
                assert name in LIVE_ONLY or p.query(name), name
            p.query(e.replace("$instance", ".*").replace("$__rate_interval", "5s"))


def test_the_unit_is_sound_and_tight(tmp_path):
    unit = (CONTRIB / "xenpin-export.service").read_text()
    path = tmp_path / "xenpin-export.service"
    path.write_text(unit.replace("/usr/local/sbin/xenpin", str(XENPIN)))
    check = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
    assert check.returncode == 0 and not check.stderr, check.stderr
    security = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path],
                              capture_output=True, text=True)
    exposure = re.search(r"Overall exposure level for xenpin-export.service: (\S+)", security.stdout)
    assert exposure and float(exposure.group(1)) <= 2.0, security.stdout
