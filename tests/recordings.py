# SPDX-License-Identifier: GPL-2.0-only
"""Recordings by the real recorder, fed by a synthetic source; and what is done to them for a test."""
import json
import os
import sqlite3
import struct
import subprocess
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build"
SOURCE, XENPIN = BUILD / "recording", BUILD / "xenpin"
RECORDS = ("batch", "page_table", "mm", "flag", "boot", "dropped", "refused")
LOST = 0x8050				# an L1 table of the sixth fork
EVIL = "</script><b>"			# the name of a task
ERASED = {0x2000: 1, 0x2001: 2}		# pfn: level, of add_a_boot()
LOG = struct.Struct("<IHHIIQQQqIIQQQQQIIqQ8x64Q")	# struct xp_boot_log
REPAIR, INIT = 2, 3	# enum xp_log_mode, enum xp_log_end


def patience(seconds):
    """So long on a machine that does nothing else; longer where programs wait for a core."""
    return seconds * max(1, os.getloadavg()[0] / os.cpu_count())


# What lies where the source's stacks point to, from its function 1 on.
FUNCTIONS = ("bpf_prog_6deef7357e7b4530_flush", "xen_mc_flush", "__xen_pgd_pin", "xen_dup_mmap", "do_syscall_64",
             "__xen_pgd_unpin", "exit_mmap\t[forks]")


def make(path, records, *more):
    run = subprocess.run([SOURCE, path, str(records), *more], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert run.returncode == 0


def write_kallsyms(path):
    """Beside the recording at path."""
    kallsyms = path.with_suffix(".kallsyms")
    kallsyms.write_text("".join(f"{0xffffffff81000000 + i * 0x1000:x} T {name}\n"
                                for i, name in enumerate(("_text", *FUNCTIONS))))
    return kallsyms


def make_stacks(path, records):
    """As with --stack; of every seventh process there is none."""
    make(path, records, "0", "0", write_kallsyms(path))


def lose_a_flag(path):
    """An L1 table is released without its unpin; and a name tries to break out."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE op SET pfn = 1 WHERE rowid = (SELECT min(rowid) FROM op "
                   "WHERE op = 'unpin' AND pfn = ?)", (LOST,))
        db.execute("UPDATE task SET comm = ? WHERE task = 7", (EVIL,))


def log_header(slots, erased, nodes=0, end=INIT, repaired=None, untracked=0, released=0, marked=None):
    """Of a boot log with xenpin.pinned=repair."""
    repaired = erased if repaired is None else repaired
    marked = erased + 2 if marked is None else marked
    deferred = [0x8000 if n < nodes else (1 << 64) - 1 for n in range(64)]
    return LOG.pack(0x4c425058, 2, 64, LOG.size, end, 4096, slots, 0, 0, REPAIR, 2000000, marked,
                    erased, erased, repaired, untracked, nodes, released, 0, 0, *deferred)


def add_a_boot(path):
    """Before everything else: struct-page init erases two flags, and the hook sets them again."""
    stages = ["handover-begin", *["erased"] * 2, "handover-end", "hook-begin", *["repaired"] * 2, "hook-end"]
    pages = [*ERASED.items()] * 2
    with sqlite3.connect(path) as db:
        for table in ("batch", "page_table", "mm", "op"):
            db.execute(f"UPDATE {table} SET seq = -seq - {len(stages)}")
            db.execute(f"UPDATE {table} SET seq = -seq")
        for seq, what in enumerate(stages, 1):
            if what in ("erased", "repaired"):
                pfn, level = pages.pop(0)
                db.execute("INSERT INTO flag VALUES (?, ?, 0, NULL, 6, ?, ?, ?, 0, 0, 1)",
                           (seq, 1000000 * seq, what, pfn, level))
            else:
                db.execute("INSERT INTO boot VALUES (?, ?, 0, NULL, 0, ?, 0, 2, 0, 0, 0)",
                           (seq, 1000000 * seq, what))
        db.execute("INSERT INTO recording VALUES ('boot_log', ?), ('boot_records', ?)",
                   (log_header(len(stages), 2), len(stages)))


def run(*args):
    return subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=300)


def report(path, *options):
    return run(XENPIN, "report", path, *options)


def query(path, sql):
    """By the sqlite3 shell, as the man page promises."""
    result = run("sqlite3", "-json", path, sql)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return json.loads(result.stdout or "[]")


def finish(path):
    """Rows of what a recorder left as it came."""
    return run(XENPIN, "record", "--finish", "-o", path)


def check_prefix(path, first=1):
    """Sound, and its records are first, first + 1, ... without a gap; returns the last."""
    assert query(path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert query(path, "SELECT count(*) n FROM raw") == [{"n": 0}]
    union = " UNION ALL ".join(f"SELECT seq FROM {t}" for t in RECORDS)
    (seqs,) = query(path, f"SELECT min(seq) first, max(seq) last, count(*) n FROM ({union})")
    assert seqs["first"] == first and seqs["n"] == seqs["last"] - first + 1, seqs
    # Each batch came with all of its operations, of which the source makes five.
    assert query(path, "SELECT DISTINCT n FROM (SELECT count(*) n FROM batch LEFT JOIN op "
                       "USING (seq) GROUP BY seq)") == [{"n": 5}]
    return seqs["last"]


def is_begun(path):
    """Whether the recorder has made its tables: before that there is nothing to lose."""
    return path.exists() and run("sqlite3", "-readonly", path,
                                 "SELECT 1 FROM recording LIMIT 1").stdout.strip() == "1"
