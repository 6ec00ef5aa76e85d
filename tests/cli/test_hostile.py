# SPDX-License-Identifier: GPL-2.0-only
"""Recordings that somebody made to hurt who reads them: each command ends, soon, and says what is wrong."""
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from recordings import SOURCE, XENPIN, is_begun, patience, query, run
from test_export import exporter, get, value

TABLES = ["recording", "probe", "task", "finding", "boot_gap", "raw", "stack", "symbol", "batch", "page_table",
          "mm", "flag", "boot", "dropped", "refused", "op"]
ENDS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
# A pattern of LIKE is matched in a single step of SQLite's: no signal is seen meanwhile.
SLOW = f"like('{'%a' * 20}b', printf('%.*c', 5000, 'a'))"


def columns(db, table):
    return [c[1] for c in db.execute(f"PRAGMA table_xinfo({table})")]


def endless_view(db, table):
    names = columns(db, table)
    db.execute(f"DROP TABLE {table}")
    db.execute(f"CREATE VIEW {table} AS {FOREVER} SELECT {', '.join(f'x AS {n}' for n in names)} FROM c")


def view(db, table):
    """Of the very rows that were there."""
    db.execute(f"ALTER TABLE {table} RENAME TO other")
    db.execute(f"CREATE VIEW {table} AS SELECT * FROM other")


def virtual(db, table):
    names = columns(db, table)
    db.execute(f"DROP TABLE {table}")
    db.execute(f"CREATE VIRTUAL TABLE {table} USING fts5({', '.join('c_' + n for n in names)})")


def computed(db, table):
    names = columns(db, table)
    db.execute(f"DROP TABLE {table}")
    db.execute(f"CREATE TABLE {table}({names[0]} INTEGER PRIMARY KEY, "
               f"{', '.join(f'{n} AS ({SLOW})' for n in names[1:] or ['more'])})")
    db.execute(f"INSERT INTO {table}({names[0]}) VALUES (1)")


def constrained(db, table):
    (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    db.execute(f"DROP TABLE {table}")
    head, tail = sql.rsplit(")", 1)
    db.execute(f"{head}, CHECK ({SLOW} OR 1)){tail}")


def missing(db, table):
    db.execute(f"DROP TABLE {table}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """With rows, in one file."""
    path = tmp_path_factory.mktemp("whole") / "a.db"
    assert run(SOURCE, path, 20000).returncode == 0
    return path


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """And with records that have none."""
    path = tmp_path_factory.mktemp("unfinished") / "a.db"
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        while not is_begun(path) or query(path, "SELECT count(*) n FROM raw")[0]["n"] < 20:
            time.sleep(0.05)
    finally:
        recorder.kill()
        recorder.wait()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM raw WHERE seq NOT IN (SELECT seq FROM raw ORDER BY seq LIMIT 10)")
    return path


def changed(source, tmp_path, change, *args):
    path = tmp_path / "hostile.db"
    shutil.copy(source, path)
    db = sqlite3.connect(path)
    change(db, *args)
    db.commit()
    db.close()
    return path


def commands(path):
    return {"report": [XENPIN, "report", path], "json": [XENPIN, "report", path, "--format", "json"],
            "finish": [XENPIN, "record", "--finish", "-o", path]}


def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ends(command, seconds=60):
    """With the time of a CPU that it took: others may be busy on this machine."""
    before = used()
    result = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            errors="replace", timeout=seconds)
    return result, used() - before


@pytest.mark.parametrize("change", [endless_view, view, virtual, computed, constrained, missing])
@pytest.mark.parametrize("table", TABLES)
def test_what_stands_in_a_tables_place_is_not_read(unfinished, tmp_path, table, change):
    path = changed(unfinished, tmp_path, change, table)
    for command in commands(path).values():
        result, seconds = ends(command)
        assert result.returncode == 2 and seconds < 2
        assert f"its table '{table}' is not as xenpin makes it" in result.stderr
        assert result.stderr.count("\n") == 1 and not result.stdout
    gone = f"xenpin: cannot report on '{path}' yet: it is damaged: its table '{table}' is not as xenpin makes it\n"
    with exporter(path, tmp_path, said=gone) as port:
        assert value(get(port)[2], "xenpin_up") == 0


def test_what_somebody_added_is_left_alone(unfinished, tmp_path):
    """Another table, a view and a trigger: never looked at.  An index is computed for each row: not written to."""
    def change(db):
        db.execute("CREATE TABLE notes(text)")
        db.execute(f"CREATE VIEW mine AS {FOREVER} SELECT x FROM c")
        db.execute(f"CREATE TRIGGER t AFTER INSERT ON batch BEGIN INSERT INTO notes {FOREVER} SELECT x FROM c; END")
    path = changed(unfinished, tmp_path, change)
    indexed = tmp_path / "indexed.db"
    shutil.copy(path, indexed)
    with sqlite3.connect(indexed) as db:
        db.execute(f"CREATE INDEX slow ON batch(({SLOW}))")
    for file in path, indexed:
        result, _ = ends(commands(file)["report"])
        assert result.returncode == 5 and "the recorder was killed" in result.stdout
    result, _ = ends(commands(indexed)["finish"])
    assert result.returncode == 5 and "it has an index, 'slow', that xenpin did not make" in result.stderr
    assert ends(commands(path)["finish"])[0].returncode == 0
    assert query(path, "SELECT count(*) n FROM notes") == [{"n": 0}]
    # Where all records have rows, nothing is written, and an index does no harm.
    with sqlite3.connect(path) as db:
        db.execute("CREATE INDEX useful ON op(pfn)")
    assert ends(commands(path)["finish"])[0].returncode == 0


def text_columns(path):
    with sqlite3.connect(path) as db:
        return [(t, c[1]) for t in TABLES for c in db.execute(f"PRAGMA table_info({t})")
                if db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] and not c[5]]


def test_values_that_are_longer_than_any_of_a_recorders(unfinished, whole, tmp_path):
    for source in unfinished, whole:
        for table, column in text_columns(source):
            path = changed(source, tmp_path, lambda db: db.execute(
                f"UPDATE {table} SET {column} = CAST(zeroblob(3000000) AS TEXT)"
                + ("" if table in ("recording", "probe") else f" WHERE rowid = (SELECT min(rowid) FROM {table})")))
            for name, command in commands(path).items():
                result, seconds = ends(command)
                assert result.returncode in (0, 1, 2, 5) and seconds < 5, (table, column, name)
                if name == "report" and result.returncode in (0, 1):
                    pytest.fail(f"{table}.{column} was taken for something")


PAGE = 8192


def in_circles(path, table):
    """The table's tree is 18 levels of pages whose 400 children are one and the same page, and then its own."""
    with sqlite3.connect(path) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    pages = len(data) // PAGE
    own = data[(root - 1) * PAGE:root * PAGE]

    def fan(child):
        cells = [struct.pack(">IB", child, 1 + n % 100) for n in range(400)]
        body = b"".join(cells)
        start = PAGE - len(body)
        page = struct.pack(">BHHHBI", 5, 0, len(cells), start, 0, child)
        page += b"".join(struct.pack(">H", start + 5 * n) for n in range(len(cells)))
        return page + bytes(start - len(page)) + body

    data += own
    child = pages + 1
    for n in range(17):
        data += fan(child)
        child = pages + 2 + n
    data[(root - 1) * PAGE:root * PAGE] = fan(child)
    data[28:32] = struct.pack(">I", len(data) // PAGE)
    path.write_bytes(data)


@pytest.mark.parametrize("table", [t for t in TABLES if t not in ("recording", "probe")])
def test_trees_that_go_in_circles(unfinished, whole, tmp_path, table):
    for source in unfinished, whole:
        path = changed(source, tmp_path, lambda db: db.execute(
            "INSERT INTO finding VALUES (1, 'lost', 'shown', 'flag', 1, 1, 1, 1, 1, 'a', '', '', NULL, 0, "
            "NULL, NULL, NULL, NULL, NULL)"))
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("INSERT OR REPLACE INTO recording VALUES ('judged_live', 1), ('findings', 1)")
            db.execute("INSERT INTO boot_gap VALUES ('a gap')")
            db.execute("INSERT INTO symbol VALUES (1, 'a')")
        in_circles(path, table)
        for name, command in commands(path).items():
            result, seconds = ends(command)
            assert result.returncode in (0, 1, 2, 5), (name, result.stderr)
            assert seconds < 10, name


def many_findings(db, n):
    db.execute("INSERT OR REPLACE INTO recording VALUES ('judged_live', 1)")
    db.execute(f"INSERT INTO finding {FOREVER} SELECT x, 'lost', 'shown', 'flag', x, x, 1, 1, 1, 'a', '', '', NULL, 0, "
               f"NULL, NULL, NULL, NULL, NULL FROM c LIMIT {n}")


@pytest.mark.parametrize("format", ["text", "json", "html", "perfetto"])
def test_many_findings_take_no_more_than_in_proportion(whole, tmp_path, format):
    took = {}
    for n in 25000, 200000:
        path = changed(whole, tmp_path, many_findings, n)
        _, took[n] = ends(["prlimit", "--as=1500000000", XENPIN, "report", path, "--format", format, "-o",
                           tmp_path / "out"], 60)
    # Eight times as many.
    assert took[200000] < 20 * took[25000] + 0.5, took
    assert "lost" in (tmp_path / "out").read_text(errors="replace")


def test_more_findings_than_there_can_be(whole, tmp_path):
    path = changed(whole, tmp_path, many_findings, (1 << 20) + 1)
    result, seconds = ends(commands(path)["report"])
    assert result.returncode == 2 and "more than 1048576 rows where there can be few" in result.stderr
    assert seconds < 5


def test_a_schema_of_half_a_million_views(whole, tmp_path):
    def change(db):
        db.execute("PRAGMA writable_schema = ON")
        db.execute(f"INSERT INTO sqlite_schema {FOREVER} SELECT 'view', 'v' || x, 'v' || x, 0, "
                   f"'CREATE VIEW v' || x || ' AS SELECT 1' FROM c LIMIT 500000")
    path = changed(whole, tmp_path, change)
    result, _ = ends(commands(path)["report"])
    assert result.returncode == 2 and "it takes more than 10 s to open" in result.stderr
    process = subprocess.Popen([XENPIN, "export", "--recording", path], stderr=subprocess.PIPE)
    time.sleep(1)
    begin = time.monotonic()
    process.terminate()
    assert process.communicate(timeout=20)[1] == b"" and process.returncode == 0
    assert time.monotonic() - begin < 3


@pytest.fixture
def in_memory():
    """A directory in which nobody waits for a disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def wanted_signals():
    """Who starts these tests in the background may have them ignored."""
    for number in ENDS:
        signal.signal(number, signal.SIG_DFL)


def test_a_signal_ends_each_command_within_a_second(in_memory):
    """A million records that have no rows, and nobody waits for: whatever each is at, but for the disk."""
    path = in_memory / "a.db"
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        while not is_begun(path) or query(path, "SELECT ifnull(max(seq), 0) n FROM raw")[0]["n"] < 1500000:
            time.sleep(0.05)
    finally:
        recorder.kill()
        recorder.wait()
    directory = in_memory / "d"
    directory.mkdir()
    of = {**commands(path), "html": [XENPIN, "report", path, "--format", "html"],
          "perfetto": [XENPIN, "report", path, "--format", "perfetto"],
          "textfile": [XENPIN, "export", "--recording", path, "--textfile", directory],
          "export": [XENPIN, "export", "--recording", path, "--listen", "127.0.0.1:0"]}
    for name, command in of.items():
        for number in ENDS:
            for delay in 0, 0.05, 0.2:
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                           preexec_fn=wanted_signals)
                time.sleep(delay)
                begin = time.monotonic()
                process.send_signal(number)
                said = process.communicate(timeout=20)[1]
                # A second; three where other tests run, too.
                assert time.monotonic() - begin < patience(3), (name, number, delay)
                assert process.returncode in (0, 5, -number), (name, number, said)
    # Figures that were cut off are in no file.
    for prom in directory.iterdir():
        assert prom.name == "xenpin.prom" and value(prom.read_text(), "xenpin_up") == 1
