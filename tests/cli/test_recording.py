# SPDX-License-Identifier: GPL-2.0-only
"""Recordings, where no Xen is needed: build/recording feeds the real sink from a synthetic source."""
import json
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

import jsonschema
import pytest

import lab
from recordings import (RECORDS, SOURCE, XENPIN, check_prefix, finish, is_begun, lose_a_flag, make, query, report,
                        run)

MAN = lab.ROOT / "docs/xenpin-recording.5"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "a.db"
    result = run(SOURCE, path, 100000)
    assert result.returncode == 0, result.stderr
    return path


def test_counts(recording):
    assert check_prefix(recording) == 100000
    assert [p.name for p in recording.parent.iterdir()] == ["a.db"]
    result = report(recording, "--format", "json")
    assert result.returncode == 0
    counts = json.loads(result.stdout)["counts"]
    of = {t: query(recording, f"SELECT count(*) n FROM {t}")[0]["n"] for t in RECORDS + ("op",)}
    assert counts["records"]["batch"] == of["batch"]
    assert counts["records"]["alloc"] + counts["records"]["release"] == of["page_table"]
    assert counts["records"]["mm-pin"] + counts["records"]["mm-unpin"] == of["mm"]
    assert counts["pins"] + counts["unpins"] == of["op"]
    assert sum(counts["pins_of_level"]) == counts["pins"]


def test_json_fits_its_schema(tmp_path, recording):
    schema = lab.report_schema()
    bad = tmp_path / "bad.db"
    shutil.copy(recording, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE op SET pfn = NULL WHERE rowid IN (SELECT rowid FROM op WHERE op = 'unpin' LIMIT 9)")
        db.execute("DELETE FROM recording WHERE key = 'end'")
        db.execute("UPDATE task SET comm = CAST(x'ff3c' AS TEXT) WHERE task = 1")
    for path in (recording, bad):
        jsonschema.validate(json.loads(report(path, "--format", "json").stdout), schema)


def test_text(recording):
    result = report(recording)
    assert result.returncode == 0
    assert result.stdout.startswith("Clean: ")
    assert re.search(r"^  forks +\d+ ", result.stdout, re.M)


def test_a_later_loss_explains_nothing_of_before(tmp_path):
    """One flush record, lost an hour after the finding."""
    path = tmp_path / "late.db"
    make(path, 20000)
    lose_a_flag(path)
    before = report(path)
    assert before.returncode == 1
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO dropped SELECT 20001, max(t) + 3600000000000, 1, NULL, 0, 'dropped', 'flush', 1 "
                   "FROM page_table")
    result = report(path)
    assert result.returncode == 1
    assert result.stdout.splitlines()[2] == before.stdout.splitlines()[2]


def test_frames_that_are_not_known_make_no_finding(tmp_path):
    """As under kernel.kptr_restrict=2, which hid where the kernel's tables are."""
    path = tmp_path / "unknown.db"
    make(path, 20000)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE op SET pfn = NULL WHERE op = 'unpin'")
    result = report(path)
    assert result.returncode == 5
    assert "records do not say which page they are about" in result.stdout
    assert json.loads(report(path, "--format", "json").stdout)["findings"] == []


def test_what_cannot_be_judged_is_no_finding_and_is_told(tmp_path, recording):
    """Tables that were made before the recording began, and are released with a clear flag."""
    late = tmp_path / "late.db"
    run(SOURCE, late, 20000)
    for n, words in ((1, "1 event could"), (2, "2 events could")):
        with sqlite3.connect(late) as db:
            db.execute("UPDATE page_table SET what = 'release' WHERE seq = ?", (20001 - n,))
        result = report(late)
        assert result.returncode == 0 and result.stdout.startswith("Clean: ")
        assert f" {words} not be judged, for want of records of what came before.\n" in result.stdout
        assert json.loads(report(late, "--format", "json").stdout)["counts"]["unjudged"] == n
    assert "judged" not in report(recording).stdout
    assert json.loads(report(recording, "--format", "json").stdout)["counts"]["unjudged"] == 0


def test_the_sink_keeps_up(tmp_path):
    """500,000 records a second, of one CPU. Where others are busy a core gives less: the best of five counts."""
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(SOURCE, tmp_path / "a.db", 1000000).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        (tmp_path / "a.db").unlink()
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert any(1000000 / seconds() > 500000 for _ in range(5))


def test_killed(tmp_path):
    """Twenty times, at random moments: everything is there but the last second."""
    for i in range(20):
        path = tmp_path / f"{i}.db"
        recorder = subprocess.Popen([SOURCE, path, "0"], stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 20
            while not is_begun(path):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(0.02 + random.random() * 1.2)
        finally:
            killed = time.monotonic_ns()
            recorder.send_signal(signal.SIGKILL)
            recorder.wait()
        result = report(path, "--format", "json")
        if "no table" in result.stderr or not result.stdout:
            pytest.fail(f"killed {i}: {result.stderr}")
        said = json.loads(result.stdout)
        assert said["recording"]["damage"] is None and said["recording"]["end"] == "killed"
        assert result.returncode == 5 and said["verdict"]["status"] == "incomplete"
        if not sum(said["counts"]["records"][k] for k in ("batch", "alloc", "release")):
            assert said["recording"]["begin_ns"] > killed - 1000000000
            continue
        assert finish(path).returncode == 0
        check_prefix(path)
        (last,) = query(path, "SELECT max(t) t FROM page_table")
        assert last["t"] > killed - 1000000000, (killed - last["t"]) / 1e9
        for file in tmp_path.glob(f"{i}.db*"):
            file.unlink()


def test_disk_full(tmp_path):
    """What was committed stays, and the recorder says what happened."""
    result = run("unshare", "-rm", "sh", "-c",
                 f"mount -t tmpfs -o size=24M none /mnt && {SOURCE} /mnt/a.db 0; rc=$?; "
                 f"cp /mnt/* {tmp_path}; exit $rc")
    assert result.returncode == 1
    assert "database or disk is full" in result.stderr
    assert report(tmp_path / "a.db").returncode == 5
    assert finish(tmp_path / "a.db").returncode == 0
    assert check_prefix(tmp_path / "a.db") > 1000


def test_rotation(tmp_path):
    """By the size that a file has in the end, when its records have rows."""
    path = tmp_path / "a.db"
    result = run(SOURCE, path, 2000000, 16 << 20)
    assert result.returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db", "a.db.1"]
    first = query(path, "SELECT value FROM recording WHERE key = 'first_seq'")[0]["value"]
    older = query(f"{path}.1", "SELECT value FROM recording WHERE key = 'first_seq'")[0]["value"]
    assert check_prefix(path, first) == 2000000
    assert check_prefix(f"{path}.1", older) == first - 1
    assert query(f"{path}.1", "SELECT value FROM recording WHERE key = 'end'") == [
        {"value": "rotated"}]
    assert 12 << 20 < (tmp_path / "a.db.1").stat().st_size < 20 << 20
    for file in (path, f"{path}.1"):
        said = json.loads(report(file, "--format", "json").stdout)
        assert said["recording"]["damage"] is None and said["verdict"]["status"] == "clean"


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rotation_waits_for_who_has_the_file_open(tmp_path):
    path, older = tmp_path / "a.db", tmp_path / "a.db.1"
    recorder = subprocess.Popen([SOURCE, path, "0", str(32 << 20)], stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: is_begun(path))
        reader = sqlite3.connect(path)
        reader.execute("SELECT count(*) FROM raw").fetchone()  # idle from now on
        assert "another program has it open" in recorder.stderr.readline()
        time.sleep(1.2)
        assert not older.exists() and recorder.poll() is None
        assert json.loads(report(path, "--format", "json").stdout)["recording"]["end"] == "running"
        reader.close()
        wait_until(older.exists)
        for _ in range(20):
            assert report(path, "--format", "json").returncode in (0, 2, 5)
        assert recorder.poll() is None
    finally:
        recorder.kill()
        recorder.wait()
    first = query(path, "SELECT value FROM recording WHERE key = 'first_seq'")[0]["value"]
    begin = query(older, "SELECT value FROM recording WHERE key = 'first_seq'")[0]["value"]
    assert finish(older).returncode == finish(path).returncode == 0
    assert check_prefix(older, begin) == first - 1
    if query(path, "SELECT 1 FROM page_table LIMIT 1"):  # else it was killed before its first commit
        check_prefix(path, first)


def test_rotation_while_reports_are_read(tmp_path):
    path, older = tmp_path / "a.db", tmp_path / "a.db.1"
    recorder = subprocess.Popen([SOURCE, path, "0", str(1 << 20)], stderr=subprocess.DEVNULL)
    try:
        wait_until(older.exists)
        for _ in range(200):
            for file in (path, older):
                assert report(file).returncode in (0, 2, 5)
        assert recorder.poll() is None
        # Not in the moment when a file is there and has no tables.
        recorder.send_signal(signal.SIGSTOP)
        while not is_begun(path):
            recorder.send_signal(signal.SIGCONT)
            time.sleep(0.001)
            recorder.send_signal(signal.SIGSTOP)
    finally:
        recorder.kill()
        recorder.wait()
    first, begin = [query(file, "SELECT value FROM recording WHERE key = 'first_seq'")[0]["value"]
                    for file in (path, older)]
    assert begin > 100000 and finish(older).returncode == 0
    assert check_prefix(older, begin) == first - 1


def test_each_file_says_what_was_missed_in_its_time(tmp_path):
    assert run(SOURCE, tmp_path / "a.db", 1000000, 4 << 20, 3).returncode == 0
    said = {name: json.loads(report(tmp_path / name, "--format", "json").stdout)
            for name in ("a.db", "a.db.1")}
    assert said["a.db.1"]["verdict"]["status"] == "incomplete"
    assert "the kernel skipped probes" in said["a.db.1"]["verdict"]["sentence"]
    assert query(tmp_path / "a.db.1", "SELECT missed FROM probe WHERE name = 'flush'") == [{"missed": 3}]
    assert said["a.db"]["verdict"]["status"] == "clean"


def test_a_report_is_not_written_over_its_recording(tmp_path, recording):
    before = recording.read_bytes()
    (tmp_path / "link").symlink_to(recording)
    for output in (recording, tmp_path / "link"):
        result = report(recording, "--output", output)
        assert result.returncode == 2 and "is the recording itself" in result.stderr
        assert recording.read_bytes() == before


def test_without_its_log_a_killed_recording_is_one(tmp_path):
    """Somebody copied the file alone: less than there was, and of this program."""
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        wait_until(lambda: is_begun(path) and query(path, "SELECT 1 FROM raw LIMIT 1"))
    finally:
        recorder.kill()
        recorder.wait()
    copy.write_bytes(path.read_bytes())
    result = report(copy)
    assert result.returncode == 5 and "Linux synthetic, dom0 with 2 vcpus" in result.stdout


def test_a_name_says_nothing_to_a_terminal(recording, tmp_path):
    """Of a task that is among the programs, and in a finding with its history."""
    path = tmp_path / "names.db"
    shutil.copy(recording, path)
    lose_a_flag(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE task SET comm = CAST(? AS TEXT)", (b"b\xff\x1b[2J\n\xc3\xbc",))
    text = subprocess.run([XENPIN, "report", path], capture_output=True).stdout
    assert b", by b\xff?[2J?\xc3\xbc (pid " in text
    assert text.count(b" b\xff?[2J?\xc3\xbc ") > 3
    assert not any(c < 32 for c in text.replace(b"\n", b""))
    said = json.loads(report(path, "--format", "json").stdout)
    assert said["findings"][0]["comm"] == "b?\x1b[2J\n??"
    assert "by b??[2J??? (pid " in said["findings"][0]["text"]
    assert "\x1b" not in said["verdict"]["sentence"]


def test_a_file_that_is_there_is_left_alone(recording):
    before = recording.read_bytes()
    result = run(SOURCE, recording, 10)
    assert result.returncode == 1 and "File exists" in result.stderr
    assert recording.read_bytes() == before


def foreign(tmp_path):
    path = tmp_path / "foreign.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE batch(seq INTEGER PRIMARY KEY)")
    return path


def newer(tmp_path, recording):
    path = tmp_path / "newer.db"
    shutil.copy(recording, path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    return path


def cut(tmp_path, recording, size):
    path = tmp_path / f"cut-{size}.db"
    path.write_bytes(recording.read_bytes()[:size])
    return path


def refused(path, sentence):
    result = report(path)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith(f"xenpin: cannot report on '{path}': ")
    assert sentence in result.stderr and result.stderr.count("\n") == 1


def test_what_is_no_recording(tmp_path, recording):
    text = tmp_path / "text"
    text.write_text("This is not a database, and it is longer than SQLite's header is.\n" * 20)
    refused(text, "it is no recording: file is not a database")
    refused(foreign(tmp_path), "it is another program's database")
    refused(newer(tmp_path, recording), "it has version 99, this xenpin reads version 4")
    refused(tmp_path / "none.db", "No such file")
    refused(tmp_path, "it cannot be read")
    (tmp_path / "empty").touch()
    refused(tmp_path / "empty", "it is empty")
    for path, sentence in ((text, "it is no recording"), (tmp_path / "none.db", "No such file")):
        result = finish(path)
        assert result.returncode == 2 and sentence in result.stderr


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_truncated(tmp_path, recording, part):
    refused(cut(tmp_path, recording, int(recording.stat().st_size * part)),
            "it is damaged: database disk image is malformed")


DAMAGE = {
    "a record is gone": ("DELETE FROM page_table WHERE seq = 50001", "record 50001 is missing"),
    "an operation is gone with its batch": ("DELETE FROM batch WHERE seq > 500", "is missing"),
    "a task is gone": ("DELETE FROM task", "task 1 is missing"),
    "a word": ("UPDATE page_table SET what = 'poke' WHERE seq = 1", "'poke' is no word of page_table"),
    "a number": ("UPDATE page_table SET cpu = 70000 WHERE seq = 1", "cpu is 70000 in record 1"),
    "a level": ("UPDATE page_table SET level = 9 WHERE seq = 1", "record 1 has level 9"),
    "too many operations": ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40)"
                            " INSERT INTO op SELECT (SELECT max(seq) FROM batch), 'pin', 1, 1, 1, 0 "
                            "FROM n", "has too many operations"),
    "an operation of nobody": ("INSERT INTO op SELECT max(seq) + 1, 'pin', 1, 1, 1, 0 FROM batch",
                               "something belongs to record"),
}


@pytest.mark.parametrize("sql, sentence", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_told_and_what_stands_before_it_reported(tmp_path, recording, sql, sentence):
    path = tmp_path / "damaged.db"
    shutil.copy(recording, path)
    with sqlite3.connect(path) as db:
        db.execute(sql)
    said = json.loads(report(path, "--format", "json").stdout)
    assert sentence in said["recording"]["damage"]
    assert said["verdict"]["status"] == "incomplete"
    assert report(path).returncode == 5


def test_flipped_bytes_never_crash_it(tmp_path, recording):
    good = recording.read_bytes()
    rng = random.Random(1)
    for _ in range(40):
        bad = bytearray(good)
        for _ in range(rng.choice((1, 10, 1000))):
            bad[rng.randrange(100, len(bad))] = rng.randrange(256)
        path = tmp_path / "flipped.db"
        path.write_bytes(bad)
        assert report(path).returncode in (0, 1, 2, 5)


QUERIES = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed", MAN.read_text(), re.M | re.S)


def test_the_queries_of_the_man_page(recording):
    assert len(QUERIES) == 5
    who, latency, page, before, erased = [query(recording, q.replace("\\e", "\\")) for q in QUERIES]
    assert [w["comm"] for w in who] == ["forks"] and who[0]["pins"] > 20000
    assert latency == [{"operations": 5, "flushes": latency[0]["flushes"], "least": 20000,
                        "mean": 20000.0, "most": 20000}]
    assert {"alloc", "release", "pin", "unpin"} == {e["what"] for e in page}
    assert before == [] and erased == []


def test_the_queries_about_what_goes_wrong(tmp_path, recording):
    path = tmp_path / "wrong.db"
    shutil.copy(recording, path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE op SET result = -22 WHERE seq = 9 AND pfn = 0x8000")
        db.execute("INSERT INTO boot VALUES (100001, 5, 0, NULL, 0, 'deferred-begin', 1000, 500, 3, 1, 0)")
        for i, pfn in enumerate((1000, 1499, 1500)):
            db.execute("INSERT INTO flag VALUES (?, 6, 0, NULL, 6, 'erased', ?, 1, 0, 0, 1)",
                       (100002 + i, pfn))
    before, erased = query(path, QUERIES[3]), query(path, QUERIES[4])
    assert [e["seq"] for e in before] == list(range(1, 10)) and before[-1]["ns"] == 0
    assert erased == [{"node": None, "erased": 1, "first": "0x5dc"},
                      {"node": 3, "erased": 2, "first": "0x3e8"}]


def changed(recordings, tmp_path, sql):
    """The recorded boot that was repaired, with one thing changed; its report."""
    path = tmp_path / "changed.db"
    shutil.copy(recordings["repaired"], path)
    with sqlite3.connect(path) as db:
        assert db.execute(sql).rowcount == 1
    result = report(path, "--format", "json")
    return result.returncode, json.loads(result.stdout)


def test_a_flag_that_boot_erased_and_the_hook_set_again_is_told_and_no_finding(recordings):
    result = report(recordings["repaired"])
    assert result.returncode == 0 and "Clean: " in result.stdout
    assert "erased the flag of 2 page tables, and the after-bootmem hook set each again" in result.stdout
    assert re.search(r"^  erased +2 flags by struct-page init, 2 of them repaired$", result.stdout, re.M)


def test_a_flag_that_nobody_set_again_is_a_finding(recordings, tmp_path):
    status, said = changed(recordings, tmp_path, "UPDATE flag SET pfn = 0x3000 "
                                                 "WHERE what = 'repaired' AND pfn = 0x2001")
    assert status == 1 and said["verdict"]["status"] == "finding"
    assert [(f["class"], f["grade"], f["pfn"], f["level"]) for f in said["findings"]] == \
        [("erased-by-init", "shown", "0x2001", 2)]
    assert {e["pfn"]: e["repaired"] for e in said["boot"]["erased"]} == {"0x2000": True, "0x2001": False}


def test_a_boot_with_a_gap_proves_nothing(recordings, tmp_path):
    status, said = changed(recordings, tmp_path, "INSERT INTO boot_gap VALUES ('the boot log was too small')")
    assert status == 5 and said["boot"]["incomplete"] == ["the boot log was too small"]
    assert said["verdict"]["sentence"].endswith("proves nothing: the boot log was too small.")


def test_a_repair_whose_record_is_missing_is_not_missing(recordings, tmp_path):
    """The kernel counted it: where records are missing, that of the repair may be one of them."""
    path = tmp_path / "gap.db"
    shutil.copy(recordings["repaired"], path)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO boot_gap VALUES ('the boot log was too small')")
    status, said = changed({"repaired": path}, tmp_path, "UPDATE flag SET pfn = 0x3000 "
                                                         "WHERE what = 'repaired' AND pfn = 0x2001")
    assert status == 5 and said["findings"] == [] and said["boot"]["end"]["unrepaired"] == 0
    assert {e["pfn"]: e["repaired"] for e in said["boot"]["erased"]} == {"0x2000": True, "0x2001": None}
