# SPDX-License-Identifier: GPL-2.0-only
"""A recording, counters and top beside a trace of the same work, on a real guest."""
import collections
import json
import re
import sqlite3
import subprocess

import pytest

import lab

XENPIN = lab.ROOT / "build/xenpin"


@pytest.fixture(params=lab.one_worker_each("record"))
def seen(request):
    result = lab.run_script("record.sh", request.param, tools=[
        "/usr/sbin/bpftool", lab.ROOT / "build/victim", lab.injector(request.param)])
    result.kernel = request.param
    return result


def report(seen, name):
    return json.loads(seen.text(name + ".out"))


def test_the_recording_holds_what_the_trace_saw(seen):
    assert seen.status("trace") == seen.status("record") == 0
    records = [r for r in seen.records("trace") if r.get("comm") == "forks"]
    traced = collections.Counter((r["type"], r.get("what", "flush")) for r in records if r["type"] != "flag")
    traced.update(("op", o["op"]) for r in records if r["type"] == "batch" for o in r["ops"])
    db = sqlite3.connect(seen.directory / "a.db")
    of_forks = "JOIN task USING (task) WHERE comm = 'forks'"
    recorded = collections.Counter()
    for kind, select in (("batch", f"SELECT what FROM batch {of_forks}"),
                         ("table", f"SELECT what FROM page_table {of_forks}"),
                         ("mm", f"SELECT what FROM mm {of_forks}"),
                         ("op", f"SELECT op FROM op JOIN batch USING (seq) {of_forks}")):
        recorded.update((kind, what) for what, in db.execute(select))
    assert recorded == traced
    assert traced["mm", "pin"] == 114


def test_the_report_counts_what_is_recorded(seen):
    db = sqlite3.connect(seen.directory / "a.db")
    counts = report(seen, "report-json")["counts"]
    for name, select in (("batch", "batch"), ("alloc", "page_table WHERE what = 'alloc'"),
                         ("release", "page_table WHERE what = 'release'"), ("pins", "op WHERE op = 'pin'"),
                         ("mm-unpin", "mm WHERE what = 'unpin'"), ("unpins", "op WHERE op = 'unpin'")):
        assert db.execute(f"SELECT count(*) FROM {select}").fetchone()[0] == {**counts, **counts["records"]}[name] > 0
    assert counts["dropped"] == counts["missed"] == 0


def folded(seen, name, left_out=0):
    """left_out: batches of which nobody saw how long they waited, which is said."""
    assert seen.status(name) == (5 if left_out else 0)
    assert f"{left_out} of " in seen.text(name + ".err") if left_out else seen.text(name + ".err") == ""
    lines = [line.rsplit(" ", 1) for line in seen.text(name + ".out").splitlines()]
    return {tuple(stack.split(";")): int(weight) for stack, weight in lines}


def test_the_stacks_are_the_kernels_and_hold_every_operation(seen):
    db = sqlite3.connect(seen.directory / "a.db")
    counts = report(seen, "report-json")["counts"]
    (untimed,) = db.execute("SELECT count(*) FROM batch WHERE latency_ns IS NULL").fetchone()
    by_operations, by_time = folded(seen, "folded"), folded(seen, "folded-latency", untimed)
    assert sum(by_operations.values()) == counts["pins"] + counts["unpins"] == \
        db.execute("SELECT count(*) FROM op").fetchone()[0]
    assert sum(by_time.values()) == db.execute("SELECT sum(latency_ns) FROM batch").fetchone()[0]
    of_forks = {stack: n for stack, n in by_operations.items() if stack[0] == "forks"}
    assert sum(of_forks.values()) == db.execute("SELECT count(*) FROM op JOIN batch USING (seq) JOIN task "
                                                "USING (task) WHERE comm = 'forks'").fetchone()[0]
    # Its forks pin, and its children's exits unpin; what else is on the way, each kernel inlines as it likes.
    hottest = sorted(of_forks, key=of_forks.get)[-2:]
    assert [sum(name in stack for stack in hottest) for name in ("copy_process", "exit_mmap", "xen_mc_flush")] == \
        [1, 1, 2]
    # Called through a pointer, so it is there in each: xen_pgd_pin() is not.
    assert any("xen_exit_mmap" in stack for stack in by_operations)
    assert not any("bpf_" in function for stack in of_forks for function in stack)


def test_a_filtered_recording_proves_nothing(seen):
    assert seen.status("filtered") == 0 and seen.status("filtered-report") == 5
    assert "a filter left records out" in seen.text("filtered-report.out")


def test_and_record_by_record(seen):
    """Each recorded row is a record of the trace: same moment within a ms, cpu, task and page."""
    traced = collections.Counter((r["what"], int(r["pfn"], 16), r["level"], r["pid"], r["cpu"])
                                 for r in seen.records("trace")
                                 if r["type"] == "table" and r["comm"] == "forks")
    db = sqlite3.connect(seen.directory / "a.db")
    recorded = collections.Counter(db.execute(
        "SELECT what, pfn, level, pid, cpu FROM page_table JOIN task USING (task) "
        "WHERE comm = 'forks'"))
    assert recorded == traced
    names = {name for name, in db.execute("SELECT name FROM symbol")}
    assert any(name.startswith("xen_alloc_") for name in names)


def test_the_verdict_is_the_traces(seen):
    said = report(seen, "report-json")
    assert seen.status("report") == seen.status("report-json") == 0
    assert said["verdict"]["status"] == "clean"
    assert len(said["findings"]) == seen.records("trace")[-1]["findings"] == 0
    assert seen.text("report.out").startswith("Clean: ")


def without_time(finding):
    """Two tracers: each has its own moment of the same event, and says how long ago others were."""
    return {k: v.split(";")[0] if k == "text" else v for k, v in finding.items()
            if k not in ("schema", "type", "t", "since", "last_sign", "meanwhile", "stack")}


@pytest.mark.parametrize("order, kind", [("unmap", "released-pinned"), ("move", "double-pin")])
def test_findings_and_counts_are_the_traces(seen, order, kind):
    """Of three flags that inject.ko cleared while both looked on."""
    truth = re.findall(r"clear pfn=(0x[0-9a-f]+)", seen.text(f"lost-{order}.log"))
    records = seen.records(f"lost-{order}-trace")
    live = [r for r in records if r["type"] == "finding"]
    said = report(seen, f"lost-{order}-report")
    assert seen.status(f"lost-{order}-trace") == seen.status(f"lost-{order}") == 1
    assert seen.status(f"lost-{order}-report") == 1 and said["verdict"]["status"] == "finding"
    assert {f["pfn"] for f in live} == set(truth) and len(truth) == 3
    # The audit at the end of both meets the pages that were given back as they are.
    assert {f["class"] for f in live} == {kind, *(["stranded"] if order == "unmap" else [])}
    assert [without_time(f) for f in said["findings"]] == [without_time(f) for f in live]
    assert len(live) == records[-1]["findings"] and len(said["histories"]) == len(truth)
    db = sqlite3.connect(seen.directory / f"lost-{order}.db")
    # A record showed it, and has its stack; an audit has none.
    assert all(bool(f["stack"]) == (f["class"] == kind) for f in said["findings"])
    noted = db.execute("SELECT class, printf('0x%x', pfn), text FROM finding").fetchall()
    assert [(f["class"], f["pfn"], f["text"]) for f in said["findings"]] == noted
    assert db.execute("SELECT value FROM recording WHERE key = 'findings'").fetchone() == (len(live),)
    assert (db.execute("SELECT 1 FROM recording WHERE key = 'judged_live'").fetchone() is None) == \
        (order == "unmap")
    # What the victim did, by its name: others go on while one of the two is not there yet.
    mine = [r for r in records if r.get("comm") == "victim"]
    (program,) = [p for p in said["programs"] if p["comm"] == "victim"]
    ops = [(o["op"], o["result"] == 0) for r in mine if r["type"] == "batch" for o in r["ops"]]
    kinds = collections.Counter((r["type"], r.get("what")) for r in mine)
    assert {k: program[k] for k in ("pins", "unpins", "failed", "flushes", "allocs", "releases", "trees")} == {
        "pins": ops.count(("pin", True)), "unpins": ops.count(("unpin", True)),
        "failed": sum(not done for _, done in ops), "flushes": kinds["batch", None],
        "allocs": kinds["table", "alloc"], "releases": kinds["table", "release"],
        "trees": kinds["mm", "pin"]}
    assert program["pins"] > 0 and (program["failed"] > 0) == (order == "move")


def test_a_storm_is_recorded_with_default_settings(seen):
    assert seen.status("storm") == seen.status("storm-report") == 0
    counts = report(seen, "storm-report")["counts"]
    assert counts["dropped"] == counts["missed"] == 0 and counts["records"]["mm-pin"] > 300


def check_killed(seen, name):
    killed, path = int(seen.text(name + ".uptime")), seen.directory / (name + ".db")
    run = subprocess.run([XENPIN, "report", path, "--format", "json"], capture_output=True, text=True)
    said = json.loads(run.stdout)
    assert run.returncode == 5 and seen.left_over(name) == ""
    assert said["recording"]["end"] == "killed" and said["recording"]["damage"] is None
    assert subprocess.run([XENPIN, "record", "--finish", "-o", path]).returncode == 0
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    seqs = [n for n, in db.execute("SELECT seq FROM batch UNION ALL SELECT seq FROM page_table UNION ALL "
                                   "SELECT seq FROM mm UNION ALL SELECT seq FROM dropped ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1))
    # The emulated machine may need a while to come to kill(1) and back.
    assert not seqs or said["recording"]["end_ns"] / 1e9 > killed - 3
    return len(seqs)


def test_killed_under_a_storm(seen):
    """Whenever it was: a sound file, and a prefix without a gap that ends just before."""
    kills = 20 if seen.kernel == "stock-6.1" else 3
    lengths = [check_killed(seen, f"kill-{i}") for i in range(1, kills + 1)]
    assert max(lengths) > 20 and len(set(lengths)) > kills // 2


def test_a_full_disk(seen):
    assert seen.status("full") == 5 and seen.status("full-report") == 5
    assert "'/tmp/full/a.db' ends early: database or disk is full" in seen.text("full.err")
    assert report(seen, "full-report")["counts"]["records"]["alloc"] > 0


@pytest.mark.parametrize("name, sentence", [
    ("exists", "--output: cannot create '/tmp/a.db': File exists; remove it, or name another"),
    ("nowhere", "--output: cannot create '/no/such/directory/a.db': No such file"),
    ("no-output", "say where to, with --output FILE"),
])
def test_where_it_cannot_record(seen, name, sentence):
    assert seen.status(name) == 2 and sentence in seen.text(name + ".err")


def metrics(seen, n):
    return dict(line.rsplit(" ", 1) for line in seen.text(f"export-{n}.metrics").splitlines()
                if not line.startswith("#"))


def test_the_exporter_counts_every_pin(seen):
    before, after = metrics(seen, 1), metrics(seen, 2)

    def more(name):
        return int(after[name]) - int(before[name])
    # The shell made three programs meanwhile, forks, sleep and wget: the exec is one mm, and so is the
    # fork before it, where it does not vfork as busybox 1.38 does.
    mms = more("xenpin_pin_seconds_count")
    assert mms in (41 + 3, 41 + 3 * 2)
    # Per mm two L4 tables, the kernel's and the user's half, and three L1.
    assert more('xenpin_pins_total{level="L4"}') == 2 * mms
    assert more('xenpin_pins_total{level="L1"}') >= 3 * mms
    assert after["xenpin_complete"] == "1"
    assert after["xenpin_failed_operations_total"] == "0"
    assert int(after["xenpin_page_table_bytes"]) > 4096
    # What the audit adds.
    tables = [int(after[f'xenpin_page_tables{{level="L{n}"}}']) for n in range(1, 5)]
    assert tables[0] > 500 and all(n > 3 for n in tables[1:])
    findings = {k: n for k, n in after.items() if k.startswith("xenpin_findings{")}
    assert len(findings) == 28 and set(findings.values()) == {"0"}
    assert float(after["xenpin_audit_timestamp_seconds"]) > float(before["xenpin_audit_timestamp_seconds"])
    assert float(after["xenpin_audit_duration_seconds"]) > 0
    assert after["xenpin_audit_complete"] == "1" and after["xenpin_audit_unknown_tables"] == "0"
    # Of the boot a stock kernel's messages say how long, and nothing else says anything.
    ms = [int(n) for n in re.findall(r"deferred pages initialised in (\d+)ms", seen.text("dmesg"))]
    assert {k: float(v) for k, v in after.items() if k.startswith("xenpin_boot_")} == {
        "xenpin_boot_deferred_seconds": max(ms, default=0) / 1000}
    assert seen.status("export") == 0 and seen.text("export.err") == ""
    assert "CapEff:\t0000000000000000" in seen.text("export.status")


def test_top_counts_what_the_trace_saw(seen):
    """By process: all that was done by those that were once called forks."""
    records = seen.records("trace")
    pids = {r["pid"] for r in records if r.get("comm") == "forks"}
    ops = [o["op"] for r in records if r["type"] == "batch" and r["pid"] in pids for o in r["ops"]]
    rows = re.findall(r"^ *\d+ forks +\d+ +(\d+) +(\d+) +(\d+) ", seen.text("top.out"), re.M)
    assert [sum(int(row[i]) for row in rows) for i in range(3)] == [ops.count("pin"), ops.count("unpin"), 0]
    assert seen.status("top") == 0


def test_nothing_is_left_attached(seen):
    assert seen.left_over("trace") == seen.left_over("export") == ""
