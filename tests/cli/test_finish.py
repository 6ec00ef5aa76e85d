# SPDX-License-Identifier: GPL-2.0-only
"""What a recorder puts off, findings and rows: done later, in parts, and of a recording that is damaged."""
import json
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from recordings import SOURCE, XENPIN, check_prefix, finish, is_begun, query, report, run


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """A recorder was killed: records that have no rows."""
    path = tmp_path_factory.mktemp("unfinished") / "a.db"
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        deadline = time.monotonic() + 20
        while not is_begun(path) or query(path, "SELECT count(*) n FROM raw")[0]["n"] < 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        recorder.kill()
        recorder.wait()
    with sqlite3.connect(path) as db:
        # As it would be without the log beside it, and small enough to be done with soon.
        db.execute("DELETE FROM raw WHERE seq NOT IN (SELECT seq FROM raw ORDER BY seq LIMIT 150)")
    return path


def copied(unfinished, tmp_path, name):
    shutil.copy(unfinished, tmp_path / name)
    return tmp_path / name


def everything(path):
    result = run("sqlite3", path, ".dump")
    assert result.returncode == 0
    return result.stdout


def test_what_has_no_rows_is_reported_as_what_has(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    before = report(path, "--format", "json")
    for _ in range(2):
        result = finish(path)
        assert result.returncode == 0 and result.stderr == ""
        assert check_prefix(path) > 100000
        assert report(path, "--format", "json").stdout == before.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.db"]
    # What the stream does not say, and those who wait for rows want to read.
    assert query(path, "SELECT count(*) n FROM op WHERE op = 'unpin' AND level = 0") == [{"n": 0}]
    assert query(path, "SELECT count(*) n FROM page_table WHERE mm = 0") == [{"n": 0}]
    assert query(path, "SELECT value FROM recording WHERE key = 'findings'") == [{"value": 0}]


def test_a_recorder_at_work_is_not_disturbed(tmp_path):
    path = tmp_path / "a.db"
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        while not is_begun(path) or query(path, "SELECT count(*) n FROM raw")[0]["n"] < 20:
            time.sleep(0.05)
        result = finish(path)
        assert result.returncode == 5
        assert "a recorder that is at work on it does this itself" in result.stderr
        before = query(path, "SELECT count(*) n FROM raw")[0]["n"]
        while query(path, "SELECT count(*) n FROM raw")[0]["n"] <= before:
            assert recorder.poll() is None
            time.sleep(0.05)
        said = json.loads(report(path, "--format", "json").stdout)
        assert said["recording"]["end"] == "running"
        assert "it is still being recorded" in said["verdict"]["sentence"]
    finally:
        recorder.kill()
        recorder.wait()
    assert "the recorder was killed" in report(path).stdout
    assert finish(path).returncode == 0
    assert check_prefix(path) > 0


def test_while_somebody_else_writes(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        result = finish(path)
        assert result.returncode == 5 and "database is locked" in result.stderr
        other.rollback()
    assert finish(path).returncode == 0


JUDGED = "INSERT INTO recording VALUES ('findings', 0), ('judged_live', 1)"


NOTED = ("INSERT INTO finding VALUES (?, 'double-pin', 'proven', 'xen,history', 33, 44, 1, 55, 66, "
         "'victim', '', '', 'pin', -22, NULL, NULL, NULL, NULL, NULL)")


def test_what_was_found_with_older_files_at_hand_is_reported(tmp_path, unfinished):
    """Nothing in this file's records tells of it: the recorder did."""
    path = copied(unfinished, tmp_path, "a.db")
    with sqlite3.connect(path) as db:
        db.execute(JUDGED)
    before = report(path, "--format", "json")
    assert before.returncode == 5 and json.loads(before.stdout)["findings"] == []
    with sqlite3.connect(path) as db:
        db.execute(NOTED, (json.loads(before.stdout)["recording"]["begin_ns"] + 5,))
    for _ in range(2):
        result = report(path, "--format", "json")
        (found,) = json.loads(result.stdout)["findings"]
        assert result.returncode == 1
        assert (found["class"], found["grade"], found["pfn"], found["level"]) == ("double-pin", "proven", "0x21", 1)
        assert found["text"].endswith("was pinned a second time, by victim (pid 66), Xen says -22")
        assert finish(path).returncode == 1
    # Of a pin that Xen refused the records tell, not that it was the second.
    with sqlite3.connect(path) as db:
        (pin,) = db.execute("SELECT seq, t, pfn FROM op JOIN batch USING (seq) "
                            "WHERE op = 'pin' AND op.level = 4 ORDER BY op.rowid LIMIT 1")
        db.execute("UPDATE op SET result = -22 WHERE seq = ?1 AND pfn = ?2", (pin[0], pin[2]))
        db.execute("DELETE FROM finding")
    (found,) = json.loads(report(path, "--format", "json").stdout)["findings"]
    assert found["class"] == "hypercall-failed"
    with sqlite3.connect(path) as db:
        db.execute(NOTED, (pin[1],))
        db.execute("UPDATE finding SET pfn = ?", (pin[2],))
    (found,) = json.loads(report(path, "--format", "json").stdout)["findings"]
    assert (found["class"], found["pid"]) == ("double-pin", 66)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE finding SET class = 'odd'")
    assert "a finding of class 'odd'" in report(path).stdout


def with_a_signal_waiting():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    signal.raise_signal(signal.SIGINT)


def test_finishing_is_taken_up_where_it_was_interrupted(tmp_path, unfinished):
    whole, twice = [copied(unfinished, tmp_path, name) for name in ("whole.db", "twice.db")]
    for path in (whole, twice):
        with sqlite3.connect(path) as db:
            db.execute(JUDGED)
    assert finish(whole).returncode == 0
    result = subprocess.run([XENPIN, "record", "--finish", "-o", twice], stderr=subprocess.PIPE, text=True,
                            preexec_fn=with_a_signal_waiting)
    assert result.returncode == 5 and "left as far as it came: it was interrupted" in result.stderr
    assert query(twice, "SELECT count(*) n FROM raw") == [{"n": 150 - 64}]
    assert report(twice, "--format", "json").stdout == \
        report(whole, "--format", "json").stdout.replace("whole.db", "twice.db")
    assert finish(twice).returncode == 0
    tasks = {path: query(path, "SELECT seq, pid, comm FROM mm JOIN task USING (task)") for path in (whole, twice)}
    assert tasks[whole] == tasks[twice]
    # Each run numbers its own tasks.
    for path in (whole, twice):
        with sqlite3.connect(path) as db:
            for table in ("batch", "page_table", "mm"):
                db.execute(f"UPDATE {table} SET task = 0")
            db.execute("DELETE FROM task")
    assert everything(whole) == everything(twice)


def test_looking_for_findings_is_interrupted(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    result = subprocess.run([XENPIN, "record", "--finish", "-o", path], stderr=subprocess.PIPE, text=True,
                            preexec_fn=with_a_signal_waiting)
    assert result.returncode == 5 and "left as far as it came: it was interrupted" in result.stderr
    assert query(path, "SELECT count(*) n FROM raw") == [{"n": 150}]


def test_finishing_finds(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    with sqlite3.connect(path) as db:
        db.execute(JUDGED)
    with sqlite3.connect(path) as db:
        # Among records that have rows already: an unpin that Xen refused.
        subprocess.run([XENPIN, "record", "--finish", "-o", path], preexec_fn=with_a_signal_waiting,
                       stderr=subprocess.DEVNULL)
        db.execute("UPDATE op SET result = -22 WHERE rowid = (SELECT min(rowid) FROM op WHERE op = 'unpin')")
        db.execute("DELETE FROM recording WHERE key IN ('findings', 'judged_live')")
    assert finish(path).returncode == 1
    said = json.loads(report(path, "--format", "json").stdout)
    found = query(path, "SELECT class, grade, printf('0x%x', pfn) pfn FROM finding")
    assert found == [{k: f[k] for k in ("class", "grade", "pfn")} for f in said["findings"]] and found
    assert query(path, "SELECT value FROM recording WHERE key = 'findings'") == [{"value": len(found)}]
    # Once: what was found stays, and is not found again.
    assert finish(path).returncode == 1
    assert len(query(path, "SELECT class FROM finding")) == len(found)


def test_a_copy_that_another_program_made(tmp_path, unfinished):
    path = tmp_path / "a.db"
    with sqlite3.connect(unfinished) as db:
        db.execute("VACUUM INTO ?", (str(path),))
    assert query(path, "PRAGMA journal_mode") == [{"journal_mode": "delete"}]
    assert finish(path).returncode == 0
    assert query(path, "SELECT value FROM recording WHERE key = 'findings'") == [{"value": 0}]


def test_what_was_found_before_the_recorder_was_killed_counts(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    with sqlite3.connect(path) as db:
        # As with --max-size, which looks for findings at once.
        db.execute(JUDGED)
        db.execute("INSERT INTO finding(t, class) VALUES (1, 'lost')")
    assert finish(path).returncode == 1
    assert query(path, "SELECT count(*) n FROM finding") == [{"n": 1}]


def test_what_came_after_somebody_looked_is_looked_at(tmp_path, unfinished):
    path = copied(unfinished, tmp_path, "a.db")
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM raw WHERE seq NOT IN (SELECT seq FROM raw ORDER BY seq LIMIT 75)")
    assert finish(path).returncode == 0
    with sqlite3.connect(path) as db:
        db.execute("ATTACH ? AS later", (str(unfinished),))
        db.execute("INSERT INTO raw SELECT * FROM later.raw WHERE seq > (SELECT max(seq) FROM page_table)")
        # What was found then is found again, or was never so.
        db.execute("INSERT INTO finding(t, class) VALUES (1, 'stale')")
        db.execute("UPDATE op SET result = -22 WHERE rowid = (SELECT max(rowid) FROM op WHERE op = 'unpin')")
    for _ in range(2):
        assert finish(path).returncode == 1
        assert len(query(path, "SELECT class FROM finding")) == 1
    assert check_prefix(path) > 300000


RAW_DAMAGE = {
    "a piece is gone": ("DELETE FROM raw WHERE seq = (SELECT max(seq) FROM (SELECT seq FROM raw ORDER BY seq "
                        "LIMIT 2))", "is missing"),
    "cut": ("UPDATE raw SET records = substr(records, 1, 1001) WHERE seq = 1", "it is cut short"),
    "empty": ("UPDATE raw SET records = x'' WHERE seq = 1", "record 1: its size is impossible"),
    "text": ("UPDATE raw SET records = 'poke' WHERE seq = 1", "record 1: "),
    "long": ("UPDATE raw SET records = zeroblob(65537) WHERE seq = 1", "record 1: its size is impossible"),
    "zeros": ("UPDATE raw SET records = zeroblob(4000) WHERE seq = 1", "record 1: its kind is unknown"),
    "a number": ("UPDATE raw SET seq = -5 WHERE seq = 1", "record 1 is missing"),
}


@pytest.mark.parametrize("sql, sentence", RAW_DAMAGE.values(), ids=RAW_DAMAGE.keys())
def test_damage_of_what_has_no_rows(tmp_path, unfinished, sql, sentence):
    path = copied(unfinished, tmp_path, "damaged.db")
    with sqlite3.connect(path) as db:
        assert db.execute(sql).rowcount == 1
    said = json.loads(report(path, "--format", "json").stdout)
    assert sentence in said["recording"]["damage"]
    assert report(path).returncode == 5
    result = finish(path)
    assert result.returncode == 5 and sentence in result.stderr and result.stderr.count("\n") == 1
    assert query(path, "SELECT count(*) n FROM batch") == [{"n": 0}]
