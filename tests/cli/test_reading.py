# SPDX-License-Identifier: GPL-2.0-only
"""Who may read a recording, what readers can do to a recorder, and where files cannot be renamed."""
import contextlib
import os
import sqlite3
import stat
import subprocess
import time

import pytest

from recordings import SOURCE, XENPIN, is_begun, query, report
from test_recording import wait_until

MIB = 1 << 20


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def recorder():
    """Starts one that goes on; ended at the end."""
    started = []

    def start(*args, **more):
        started.append(subprocess.Popen([str(a) for a in (SOURCE, *args)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, **more))
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_it_is_its_owners(tmp_path, recorder, umask):
    """It holds addresses of the kernel, and so do the files beside it."""
    path = tmp_path / "a.db"
    recorder(path, 0, preexec_fn=lambda: os.umask(umask))
    wait_until(lambda: is_begun(path))
    for file in tmp_path.glob("a.db*"):
        assert mode(file) == 0o600, file
    assert len(list(tmp_path.glob("a.db*"))) == 3


def test_who_may_read_one_may_read_the_next(tmp_path, recorder):
    path = tmp_path / "a.db"
    recorder(path, 0, MIB)
    wait_until(lambda: is_begun(path))
    path.chmod(0o640)
    older = tmp_path / "a.db.1"
    wait_until(older.exists)
    first = os.stat(older).st_ino
    wait_until(lambda: older.exists() and os.stat(older).st_ino != first)
    wait_until(lambda: is_begun(path))
    assert mode(older) == mode(path) == 0o640


def disk(directory):
    return sum(p.stat().st_size for p in directory.iterdir())


def test_a_reader_with_a_transaction_does_not_make_it_grow_for_ever(tmp_path, recorder):
    path = tmp_path / "a.db"
    process = recorder(path, 0, 8 * MIB)
    wait_until(lambda: is_begun(path))
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM raw").fetchone()
    begin = time.monotonic()
    said = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 1 and time.monotonic() - begin < 30
    assert "goes on growing, to twice that or 128M more, for as long as another program has it open" in said[0]
    assert "another program has it open, and it is much larger than --max-size says" in said[1]
    assert disk(tmp_path) < (8 + 128) * MIB
    reader.close()
    result = report(path)
    assert result.returncode == 5 and "the recorder was killed, or had no room" in result.stdout


def test_without_a_limit_a_reader_costs_no_more_than_the_records_do(tmp_path, recorder):
    """They wait in the log, and are folded into the file when he is gone."""
    size = {}
    for name in "alone", "read":
        directory = tmp_path / name
        directory.mkdir()
        path = directory / "a.db"
        process = recorder(path, 0)
        wait_until(lambda: is_begun(path))
        reader = sqlite3.connect(path)
        if name == "read":
            reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM raw").fetchone()
        wait_until(lambda: query(path, "SELECT ifnull(max(seq), 0) n FROM raw")[0]["n"] > 1000000)
        records = query(path, "SELECT max(seq) n FROM raw")[0]["n"]
        size[name] = disk(directory) / records
        reader.close()
        process.kill()
        process.wait()
    # Alone: the log that was folded already is used again.
    assert size["read"] < 2 * size["alone"], size


# Root, where it may not write: what a recorder is when it has given up its capabilities.
WEAK = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--"] if os.geteuid() == 0 else []


@pytest.fixture
def somebodys(tmp_path):
    directory = tmp_path / "somebody's"
    directory.mkdir()
    if os.geteuid() == 0:
        os.chown(directory, 65534, 65534)
    yield directory
    directory.chmod(0o755)


def weak_recorder(path, *args):
    return subprocess.Popen([*WEAK, SOURCE, path, *[str(a) for a in args]], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("obstacle", ["directory", "name"])
def test_a_file_that_could_not_be_renamed_has_not_ended(somebodys, obstacle):
    """It says neither that it was rotated nor that it is complete."""
    path = somebodys / "a.db"
    somebodys.chmod(0o777)
    process = weak_recorder(path, 0, 4 * MIB)
    try:
        wait_until(lambda: is_begun(path))
        if obstacle == "directory":
            somebodys.chmod(0o555)
        else:
            (somebodys / "a.db.1").mkdir()
            (somebodys / "a.db.1" / "file").touch()
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1 and "it cannot be renamed for another to begin" in said
    result = report(path)
    assert result.returncode == 5 and "Clean" not in result.stdout
    assert "the recorder was killed, or had no room" in result.stdout
    assert query(path, "SELECT value FROM recording WHERE key = 'end'") == [{"value": ""}]


def test_where_its_log_cannot_be_removed_it_is_empty(somebodys):
    path = somebodys / "a.db"
    somebodys.chmod(0o777)
    process = weak_recorder(path, 1000000)
    try:
        wait_until(lambda: is_begun(path))
        somebodys.chmod(0o555)
        assert process.wait(timeout=60) == 0, process.stderr.read()
    finally:
        process.kill()
    log = somebodys / "a.db-wal"
    assert not log.exists() or log.stat().st_size == 0
    assert report(path).returncode == 0


def record(*args):
    return subprocess.run([str(a) for a in (XENPIN, "record", *args)], capture_output=True, text=True,
                          timeout=30)


def test_max_size_where_files_could_not_be_renamed(somebodys, tmp_path):
    """Said before anything is traced, by root with all its capabilities, too."""
    somebodys.chmod(0o555)
    result = record("--max-size", "1M", "-o", somebodys / "a.db")
    assert result.returncode == 2 and result.stderr.startswith(
        f"xenpin: --max-size: files in '{somebodys}' could not be renamed: Permission denied; ")
    (tmp_path / "a.db.1").mkdir()
    result = record("--max-size", "1M", "-o", tmp_path / "a.db")
    assert result.returncode == 2 and f"'{tmp_path}/a.db.1', and that is a directory" in result.stderr
    # Elsewhere, and without it, what is missing here is only a Xen guest.
    for args in ["--max-size", "1M", "-o", tmp_path / "b.db"], ["-o", somebodys / "a.db"]:
        assert record(*args).returncode == 3


def test_readers_are_not_in_the_way_of_a_recorder_that_begins_or_ends(tmp_path):
    """Who opens the file at once, again and again, for a moment each time: the recorder waits."""
    for i in range(40):
        path = tmp_path / f"{i}.db"
        process = subprocess.Popen([SOURCE, path, "2000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while process.poll() is None:
            with contextlib.suppress(sqlite3.Error):
                reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                time.sleep(0.002)
                reader.close()
        assert process.returncode == 0, process.stderr.read()
