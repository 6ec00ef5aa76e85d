# SPDX-License-Identifier: GPL-2.0-only
"""Exit statuses and sentences when something is in the way: disks, limits, closed files, other programs."""
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from recordings import SOURCE, XENPIN, finish, is_begun, query, report, run
from test_boot_files import ERASED, FAULT, NO_RECORDS, OOPS
from test_export import get, until

COMMANDS = re.findall(r"^  (\w+) ", subprocess.run([XENPIN, "--help"], capture_output=True, text=True).stdout, re.M)


def xenpin(*args, **more):
    return subprocess.run([str(a) for a in (XENPIN, *args)], stdin=subprocess.DEVNULL, text=True, errors="replace",
                          timeout=60, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


def one_sentence(result, sentence):
    assert result.stderr.startswith("xenpin: ") and result.stderr.count("\n") == 1, result.stderr
    assert sentence in result.stderr


@pytest.fixture
def files(recordings, tmp_path):
    """What commands read, by the name that the tests below have for it."""
    console, log, account = [tmp_path / name for name in ("console", "log", "account")]
    console.write_text(OOPS + ERASED + FAULT)
    log.write_bytes(NO_RECORDS)
    account.write_text(xenpin("boot", "--log", log, "--json").stdout)
    return {"REC": recordings["bad"], "CONSOLE": console, "LOG": log, "ACCOUNT": account}


WRITES = [["--help"], ["--version"], ["--list-options"], ["features"], ["features", "--json"],
          *[[command, "--help"] for command in COMMANDS],
          *[["report", "REC", "--format", f] for f in ("text", "json", "html", "perfetto")],
          ["boot", "--console", "CONSOLE"], ["boot", "--console", "CONSOLE", "--json"],
          ["boot", "--log", "LOG"], ["boot", "--log", "LOG", "--json"], ["boot", "--log", "LOG", "--records"],
          ["boot", "--compare", "ACCOUNT", "ACCOUNT"], ["boot", "--compare", "ACCOUNT", "ACCOUNT", "--json"]]


@pytest.mark.parametrize("args", WRITES, ids=" ".join)
def test_stdout_that_takes_nothing_is_told(files, args):
    args = [files.get(a, a) for a in args]
    with open("/dev/full", "w") as full:
        result = xenpin(*args, stdout=full)
    assert result.returncode == 5 and result.stderr.count("No space left on device") == 1
    # Who does not want to read on is not told.
    read, write = os.pipe()
    os.close(read)
    broken = xenpin(*args, stdout=write)
    os.close(write)
    assert "Broken pipe" not in broken.stderr and broken.returncode == xenpin(*args).returncode


@pytest.mark.parametrize("args", WRITES, ids=" ".join)
@pytest.mark.parametrize("limit", [0, 10])
def test_a_limit_of_file_sizes_is_told(files, tmp_path, args, limit):
    """And kills nothing (SIGXFSZ)."""
    with open(tmp_path / "out", "w") as out:
        result = xenpin(*[files.get(a, a) for a in args], stdout=out,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert result.returncode == 5 and result.stderr.count("File too large") == 1


@pytest.mark.parametrize("limit", [0, 100000])
def test_a_limit_of_file_sizes_for_what_is_written_into_a_file(recordings, killed, tmp_path, limit):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    result = xenpin("report", recordings["clean"], "--format", "html", "-o", tmp_path / "a.html", preexec_fn=small)
    assert result.returncode == 5
    one_sentence(result, "File too large")
    before = report(killed, "--format", "json").stdout
    result = xenpin("record", "--finish", "-o", killed, preexec_fn=small)
    # Where there is room for nothing, there is none for an index of the log, by which it is read.
    assert result.returncode == (5 if limit else 2)
    one_sentence(result, "is left as far as it came" if limit else "--finish: cannot read ")
    assert report(killed, "--format", "json").stdout == before
    assert finish(killed).returncode == 0
    # The sink itself, and what it leaves.
    result = subprocess.run([SOURCE, tmp_path / "new.db", "0"], preexec_fn=lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), small()), capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and not list(tmp_path.glob("new.db*"))


@pytest.fixture
def killed(tmp_path):
    """A recording whose recorder was killed, with its log beside it."""
    path = tmp_path / "killed" / "a.db"
    path.parent.mkdir()
    recorder = subprocess.Popen([SOURCE, path, "0"])
    try:
        until(lambda: is_begun(path) and query(path, "SELECT count(*) n FROM raw")[0]["n"] > 20)
    finally:
        recorder.kill()
        recorder.wait()
    return path


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("way", ["name", "link", "hard link", "from elsewhere", "linked recording"])
def test_a_report_is_not_written_over_its_recording_or_what_belongs_to_it(killed, tmp_path, suffix, way):
    part, recording = Path(f"{killed}{suffix}"), killed
    before = {p.name: p.read_bytes() for p in killed.parent.iterdir() if not p.name.endswith("-shm")}
    output = {"link": tmp_path / "other", "hard link": tmp_path / "other",
              "from elsewhere": killed.parent / ".." / "killed" / part.name}.get(way, part)
    if way == "link":
        output.symlink_to(part)
    if way == "hard link":
        if not part.exists():
            return
        output.hardlink_to(part)
    if way == "linked recording":
        recording = tmp_path / "linked.db"
        recording.symlink_to(killed)
    result = report(recording, "-o", output)
    assert result.returncode == 2
    one_sentence(result, f"'{output}' is the recording itself, or belongs to it")
    assert {p.name: p.read_bytes() for p in killed.parent.iterdir()
            if p.stat().st_size and not p.name.endswith("-shm")} == before
    assert finish(killed).returncode == 0


def test_a_report_replaces_what_is_there(recordings, tmp_path):
    out = tmp_path / "a.json"
    out.write_text("x" * 100000)
    assert report(recordings["clean"], "--format", "json", "-o", out).returncode == 0
    assert out.read_text() == report(recordings["clean"], "--format", "json").stdout
    assert report(recordings["clean"], "-o", "/dev/null").returncode == 0
    result = report(recordings["clean"], "-o", "/dev/full")
    assert result.returncode == 5 and "No space left" in result.stderr


@pytest.mark.parametrize("name", ["", "none/a.html", "x" * 300, "file/a"])
def test_a_report_where_no_file_can_be(recordings, tmp_path, name):
    (tmp_path / "file").touch()
    result = report(recordings["clean"], "-o", tmp_path / name)
    assert result.returncode == 2
    one_sentence(result, "--output: cannot write to ")


def test_where_the_log_of_a_killed_recorder_cannot_be_read(killed):
    result = run("unshare", "-rm", "sh", "-c",
                 f"mount -t tmpfs none /mnt && cp {killed} {killed}-wal /mnt && mount -o remount,ro /mnt && "
                 f"{XENPIN} report /mnt/a.db")
    assert result.returncode == 2
    one_sentence(result, "nobody can read its log (a.db-wal) where he cannot write; copy both files")


def test_two_who_finish_at_once(killed, tmp_path):
    """One does; the other says that somebody does, or finds it done."""
    for i in range(8):
        path = tmp_path / f"{i}.db"
        for suffix in "", "-wal":
            shutil.copy(f"{killed}{suffix}", f"{path}{suffix}")
        both = [subprocess.Popen([XENPIN, "record", "--finish", "-o", path], stderr=subprocess.PIPE, text=True)]
        time.sleep(0.02 * i)
        both.append(subprocess.Popen([XENPIN, "record", "--finish", "-o", path], stderr=subprocess.PIPE, text=True))
        said = [p.communicate(timeout=60)[1] for p in both]
        assert 0 in [p.returncode for p in both]
        for process, words in zip(both, said):
            assert process.returncode in (0, 5) and "damaged" not in words
            assert (process.returncode == 5) == ("another program" in words), words
        assert query(path, "SELECT count(*) n FROM raw") == [{"n": 0}]


@pytest.mark.parametrize("kb", [0, 8, 64, 128])
def test_a_recording_that_cannot_begin_leaves_nothing(kb):
    """On a disk with so much room."""
    result = run("unshare", "-rm", "sh", "-c", f"""
        mount -t tmpfs -o size=1M none /mnt && head -c {(1024 - kb) * 1024} /dev/zero >/mnt/fill
        {SOURCE} /mnt/a.db 1000; echo $?; ls /mnt""")
    assert result.stdout.splitlines() == ["1", "fill"] and "No space left on device" in result.stderr


def test_stderr_that_is_closed_is_not_the_recording(killed):
    """What is said, of damage here, would be written over the file that got its number."""
    with sqlite3.connect(killed) as db:
        db.execute("UPDATE raw SET records = zeroblob(4000) WHERE seq = 1")
    db.close()
    for closed in "2>&-", "<&- 2>&-", "<&-":
        result = run("sh", "-c", f"{XENPIN} record --finish -o {killed} {closed}")
        assert result.returncode == 5
        assert killed.read_bytes()[:16] == b"SQLite format 3\0"
        assert "record 1: its kind is unknown" in report(killed).stdout


def test_the_port_that_the_kernel_chose_is_told(recordings):
    for address in "127.0.0.1", "[::1]":
        process = subprocess.Popen([XENPIN, "export", "--recording", recordings["clean"], "--listen", f"{address}:0"],
                                   stderr=subprocess.PIPE, text=True)
        try:
            said = re.match(r"xenpin: --listen: port (\d+) of (\S+)\n", process.stderr.readline())
            assert said and said.group(2) == address.strip("[]")
            if address == "127.0.0.1":
                assert get(int(said.group(1)))[0] == 200
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("option", ["--json=1", "--stack=yes", "--verbose=", "--dry-run=0", "--findings=x"])
def test_a_switch_takes_no_value(option):
    result = xenpin("trace", option)
    assert result.returncode == 2
    one_sentence(result, f"{option.partition('=')[0]} takes no value")


@pytest.mark.parametrize("what", ["/sys", "/proc"])
@pytest.mark.parametrize("command", [["trace"], ["audit"], ["top", "--batch"], ["page", "1"], ["boot"],
                                     ["export", "--listen", "127.0.0.1:0"], ["record", "-o", "/mnt/a.db"]])
def test_without_sys_or_proc(what, command):
    result = run("unshare", "-rm", "sh", "-c", f"mount -t tmpfs none {what} && {XENPIN} {' '.join(command)}")
    assert result.returncode == 3
    one_sentence(result, f"{what} is not mounted here")


def has_ended(process, seconds):
    try:
        process.wait(timeout=seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


@pytest.mark.parametrize("ignored", [True, False])
def test_nohup(recordings, tmp_path, ignored):
    """Who is started with SIGHUP ignored lives on when the terminal goes; these tests may be, too."""
    action = signal.SIG_IGN if ignored else signal.SIG_DFL
    process = subprocess.Popen([XENPIN, "export", "--recording", recordings["clean"], "--textfile", tmp_path,
                                "--ready-file", tmp_path / "ready"],
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, action))
    until((tmp_path / "ready").exists)
    process.send_signal(signal.SIGHUP)
    assert has_ended(process, 1 if ignored else 20) != ignored
    process.terminate()
    assert process.wait(timeout=5) == 0
