# SPDX-License-Identifier: GPL-2.0-only
"""What Xen refused, in a recording: its rows, what is found in them, and what each report says."""
import json
import re
import sqlite3
import subprocess

import jsonschema
import pytest

import lab
from recordings import XENPIN, finish, make, query, report

LDT = 0xffffc90000000000 - (1 << 64)	# as SQLite has it
# hypercall, command, count, arg0, arg1, result: of an mmu_update, an mmuext_op, another, an overwritten one.
ENTRIES = [(1, 0, 3, 0x1d8f008, 0x67, -1), (26, 13, 1, LDT, 8, -22), (14, 0, 1, 0x7f0000, 0x67, -22),
           (None, None, None, None, None, -16)]
SAID = ["mmu_update(normal_pt_update, 0x1d8f008, 0x67), the first of 3: EPERM",
        "mmuext_op(set_ldt, 0xffffc90000000000, 0x8): EINVAL",
        "update_va_mapping(0x7f0000, 0x67): EINVAL",
        "an operation that Xen has overwritten: EBUSY"]
INSERT = "INSERT INTO refused VALUES (?, ?, 0, 1, 0, 'refused', ?, ?, ?, ?, ?, ?)"
RECORDS = 500
ENTRY = ("hypercall", "command", "count", "arg0", "arg1")


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.db"
    make(path, RECORDS)
    with sqlite3.connect(path) as db:
        (t,) = db.execute("SELECT max(t) FROM page_table").fetchone()
        for i, entry in enumerate(ENTRIES, 1):
            db.execute(INSERT, (RECORDS + i, t + i, *entry))
    return path


def test_each_is_a_finding(recording):
    result = report(recording, "--format", "json")
    assert result.returncode == 1
    said = json.loads(result.stdout)
    jsonschema.validate(said, lab.report_schema())
    (comm, pid), = [(r["comm"], r["pid"]) for r in query(recording, "SELECT comm, pid FROM task WHERE task = 1")]
    assert [f["text"] for f in said["findings"]] == [f"Xen refused {s}, by {comm} (pid {pid})" for s in SAID]
    assert {(f["class"], f["grade"], *f["witnesses"]) for f in said["findings"]} == \
        {("hypercall-failed", "proven", "xen")}
    assert {f["pfn"] for f in said["findings"]} == {None}
    assert [f["result"] for f in said["findings"]] == [e[-1] for e in ENTRIES]
    assert said["counts"]["records"]["refused"] == 4 and said["verdict"]["gravest"] == "hypercall-failed"
    text = report(recording).stdout
    assert all(f"Xen refused {s}, by" in text for s in SAID)


def test_names_for_sql(recording):
    assert query(recording, "SELECT op, operation FROM refused ORDER BY seq") == [
        {"op": "mmu_update", "operation": "normal_pt_update"}, {"op": "mmuext_op", "operation": "set_ldt"},
        {"op": "update_va_mapping", "operation": None}, {"op": None, "operation": None}]


def test_instants_for_perfetto(recording):
    trace = subprocess.run([XENPIN, "report", recording, "--format", "perfetto"], capture_output=True).stdout
    decoded = subprocess.run(["protoc", f"-I{lab.ROOT / 'src/report'}", "--decode", "perfetto.protos.Trace",
                              lab.ROOT / "src/report/perfetto.proto"], input=trace, capture_output=True).stdout
    instants = [p for p in re.findall(r"^packet \{\n(.*?)^\}", decoded.decode(), re.M | re.S) if '"refused"' in p]
    assert len(instants) == 2 * len(SAID) and all("TYPE_INSTANT" in p for p in instants)
    for said in SAID:
        assert sum(f'name: "refused: {said}"' in p for p in instants) == 2


def test_what_was_noted_is_what_was_found(recording):
    """A recorder that rotates its files finds while it records, and only its note tells of older records."""
    with sqlite3.connect(recording) as db:
        db.execute("INSERT OR REPLACE INTO recording VALUES ('judged_live', 1)")
    told = json.loads(report(recording, "--format", "json").stdout)["findings"]
    with sqlite3.connect(recording) as db:
        db.execute("DELETE FROM refused")
        for f, e in zip(told, ENTRIES, strict=True):
            hypercall, command, count = (0xffff if n is None else n for n in e[:3])
            db.execute("INSERT INTO finding VALUES (?, ?, ?, ?, NULL, NULL, 0, 0, ?, ?, '', '', NULL, "
                       "?, ?, ?, ?, ?, ?)",
                       (f["t"], f["class"], f["grade"], ",".join(f["witnesses"]), f["pid"], f["comm"], f["result"],
                        hypercall, command, count, -1 if e[3] is None else e[3], -1 if e[4] is None else e[4]))
    noted = json.loads(report(recording, "--format", "json").stdout)["findings"]
    assert [f["text"] for f in noted] == [f["text"] for f in told]


def test_the_writer_notes_what_the_reader_understands(recording):
    """Findings of a finished recording, for SQL."""
    with sqlite3.connect(recording) as db:
        db.execute("DELETE FROM recording WHERE key = 'findings'")
    assert finish(recording).returncode == 1
    rows = query(recording, "SELECT op, result, hypercall, command, count, arg0, arg1 FROM finding ORDER BY t")
    assert [r["op"] for r in rows] == ["mmu_update", "mmuext_op", "update_va_mapping", None]
    assert [(*(r[k] for k in ENTRY), r["result"]) for r in rows[:3]] == ENTRIES[:3]
    assert [rows[3][k] for k in ENTRY] == [0xffff] * 3 + [-1] * 2


@pytest.mark.parametrize("change, sentence", [
    ("result = 0", "Xen did not refuse what record 501 tells of"), ("result = 22", "Xen did not refuse"),
    ("result = -40000", "result is -40000 in record 501"), ("result = NULL", "Xen did not refuse"),
    ("hypercall = 65536", "hypercall is 65536"), ("command = -1", "command is -1"), ("count = 70000", "count is 70000"),
    ("what = 'pin'", "'pin' is no word of refused"),
])
def test_damage(recording, change, sentence):
    with sqlite3.connect(recording) as db:
        db.execute(f"UPDATE refused SET {change} WHERE seq = 501")
    result = report(recording)
    assert result.returncode == 5 and sentence in result.stdout


@pytest.mark.parametrize("change", ["hypercall = 65535", "hypercall = 43690", "command = 77", "count = 0",
                                    "arg0 = -1", "result = -32768"])
def test_odd_rows_are_told_as_they_are(recording, change):
    with sqlite3.connect(recording) as db:
        db.execute(f"UPDATE refused SET {change}")
    result = report(recording, "--format", "json")
    assert result.returncode == 1 and len(json.loads(result.stdout)["findings"]) == 4
