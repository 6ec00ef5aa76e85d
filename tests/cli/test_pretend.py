# SPDX-License-Identifier: GPL-2.0-only
"""audit and page in a guest that is pretended (pretend.c): what they end with, and where they write."""
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

import lab

PRETEND = lab.ROOT / "build/pretend"
L1, OTHER = "0x13", "0x20"	# a page table, and a page that is none
LAST = "0x86f1"			# the last record of a recording of 20000: it becomes an L1 table


def environment(what):
    return {**os.environ, "PRETEND": what}


def pretend(what, *args, **kwargs):
    return subprocess.run([PRETEND, *args], stdin=subprocess.DEVNULL, env=environment(what), text=True,
                          timeout=30, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs})


def look(what, *args):
    result = pretend(what, "page", *args, "--json")
    return result.returncode, lab.parse(result.stdout)[-1]


@pytest.mark.parametrize("what, status", [("", 0), ("lost", 1), ("unread", 5), ("unknown", 5),
                                          ("unread lost", 1)])
def test_page_ends_as_its_audit_does(what, status):
    result = pretend(what, "page", L1)
    assert result.returncode == pretend(what, "audit").returncode == status
    assert (": no contradiction\n" in result.stdout) == (status == 0)
    got, page = look(what, L1)
    assert got == status and page["in_tree"]
    assert page["finding"] == ("lost" if status == 1 else "")
    assert page["complete"] == (what in ("", "lost"))


@pytest.mark.parametrize("what", ["unread", "unknown"])
def test_what_an_incomplete_audit_did_not_find_may_be_there(what):
    result = pretend(what, "page", OTHER)
    assert result.returncode == 5 and "the audit is incomplete, so that proves nothing\n" in result.stdout
    assert "no pinned tree that was seen refers to it\n" in result.stdout
    status, page = look(what, OTHER)
    assert status == 5 and not page["in_tree"] and not page["complete"]


@pytest.mark.parametrize("what, status", [("overrun", 5), ("lost overrun", 1), ("", 0)])
def test_a_finding_outranks_what_the_watch_lost(what, status):
    result = pretend(what, "page", L1, "--watch", "--duration", "0.01")
    assert result.returncode == status
    assert result.stderr.endswith(f"{int('overrun' in what)} lost\n")


def test_a_finding_outranks_a_watch_that_cannot_begin():
    assert pretend("lost", "page", L1, "--watch", "--ready-file", "/nosuch/file").returncode == 1


def test_a_finding_outranks_a_look_that_fails():
    for what, status in (("fails lost", 1), ("fails", 4)):
        result = pretend(what, "audit", "--repeat", "3")
        assert result.returncode == status and "the audit failed: Input/output error" in result.stderr
        assert result.stdout.count("4 page tables") == 1


@pytest.mark.parametrize("args", [["page", L1], ["page", L1, "--json"], ["audit"]])
@pytest.mark.parametrize("what, status", [("", 5), ("lost", 1)])
def test_a_full_disk(what, status, args):
    with open("/dev/full", "w") as full:
        result = pretend(what, *args, stdout=full)
    assert result.returncode == status
    assert result.stderr == "xenpin: cannot write to stdout: No space left on device\n"


def test_a_disk_that_becomes_full_under_a_watch():
    """The page still fits, its changes do not."""
    run = subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=4k none /mnt && "
                          f"exec {PRETEND} page {L1} --watch --duration 20 >/mnt/out"],
                         stdin=subprocess.DEVNULL, env=environment("changes"), capture_output=True,
                         text=True, timeout=30)
    assert run.returncode == 5 and "the watch ended early: No space left on device\n" in run.stderr


@pytest.mark.parametrize("what", ["changes", ""])
def test_a_closed_pipe_ends_a_watch_quietly(what):
    """With changes to write, and without any."""
    watch = subprocess.Popen([PRETEND, "page", L1, "--watch"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=environment(what))
    try:
        watch.stdout.readline()
        watch.stdout.close()
        assert watch.wait(10) == 0 and watch.stderr.read() == ""
    finally:
        watch.kill()


def test_a_duration_longer_than_poll_can_wait():
    """5,000,000,000 ms, and so on, are no small or negative number."""
    watch = subprocess.Popen([PRETEND, "page", L1, "--watch", "--duration", "4000000"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not (call := Path(f"/proc/{watch.pid}/syscall").read_text()).startswith("7 "):
            assert time.monotonic() < deadline, call
            time.sleep(0.01)
        assert int(call.split()[3], 16) == 0x7fffffff
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 0
    finally:
        watch.kill()


def history(path, pfn):
    status, page = look("", pfn, "--recording", path)
    text = pretend("", "page", pfn, "--recording", path).stdout
    assert status == 0 and (", in doubt: records are missing\n" in text) == page["history_in_doubt"]
    return page["history"], page["history_in_doubt"]


def test_a_history_is_in_doubt_behind_the_gap_after_the_boot(recordings):
    assert history(recordings["clean"], LAST) == ("not pinned", False)
    assert history(recordings["repaired"], LAST) == ("not pinned", False)
    assert history(recordings["repaired"], "0x2000") == ("unknown", True)


def test_nor_does_a_stream_without_records_tell_what_came_before_it(recordings, tmp_path):
    path = tmp_path / "boot.db"
    shutil.copy(recordings["repaired"], path)
    with sqlite3.connect(path) as db:
        for table in ("batch", "page_table", "mm", "op"):
            db.execute(f"DELETE FROM {table}")
    assert history(path, "0x2000") == ("unknown", True)


@pytest.mark.parametrize("change", ["UPDATE hook SET missed = 3 WHERE name = 'release'",
                                    "UPDATE hook SET via = 'none' WHERE name = 'release'",
                                    "UPDATE recording SET value = 1 WHERE key = 'filtered'"])
def test_a_history_is_in_doubt_when_records_are_missing_anywhere(recordings, tmp_path, change):
    path = tmp_path / "missed.db"
    shutil.copy(recordings["clean"], path)
    with sqlite3.connect(path) as db:
        assert db.execute(change).rowcount == 1
    assert history(path, LAST) == ("not pinned", True)


def test_no_history_is_no_doubt(recordings):
    assert history(recordings["clean"], OTHER) == ("no page table that it knows of", False)
    assert look("", L1)[1]["history"] == "unknown"
