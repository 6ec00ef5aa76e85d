# SPDX-License-Identifier: GPL-2.0-only
"""Kernel stacks of a recording: what the reports say of them is what SQL counts in its tables."""
import collections
import json
import random
import re
import shutil
import sqlite3
import subprocess

import jsonschema
import pytest

import lab
from recordings import (FUNCTIONS, LOST, SOURCE, finish, is_begun, lose_a_flag, make_stacks, query, report,
                        write_kallsyms)
from test_recording import wait_until

BPF, FLUSH, PIN, BEGIN, SYSCALL, UNPIN, END = (name.replace("\t", "_") for name in FUNCTIONS)
STACKS_MAX = 16384
WEIGHTS = ("operations", "batches", "waited_ns", "unweighed")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    path = tmp_path_factory.mktemp("stacks") / "stacks.db"
    make_stacks(path, 20000)
    return path


def changed(path, tmp_path, *statements):
    copy = tmp_path / "changed.db"
    shutil.copy(path, copy)
    with sqlite3.connect(copy) as db:
        for statement in statements:
            assert db.execute(statement).rowcount
    return copy


def folded(path, *options, status=0):
    """The lines as every flame graph program reads them, and what stderr says."""
    result = report(path, "--format", "folded", *options)
    assert result.returncode == status, result.stderr
    lines = [line.rsplit(" ", 1) for line in result.stdout.splitlines()]
    assert all(re.fullmatch(r"[^\s;]+(;[^\s;]+)*", stack) for stack, _ in lines)
    assert len({stack for stack, _ in lines}) == len(lines)
    assert all(int(weight) > 0 for _, weight in lines)
    return {stack: int(weight) for stack, weight in lines}, result.stderr


def said(path):
    return json.loads(report(path, "--format", "json").stdout)


def by_sql(path):
    """{(program, functions): weights}, from the tables alone; functions outermost first."""
    db = sqlite3.connect(path)
    names = dict(db.execute("SELECT address, name FROM symbol"))
    frames = collections.defaultdict(list)
    for seq, address in db.execute("SELECT seq, address FROM stack ORDER BY seq, frame DESC"):
        if address in names:
            frames[seq].append(re.sub(r"\+0x[0-9a-f]+", "", names[address]).replace(" ", "_"))
    sums = collections.defaultdict(lambda: [0] * len(WEIGHTS))
    for seq, what, comm, latency, operations in db.execute(
            "SELECT seq, what, ifnull(comm, ''), latency_ns, count(*) FROM batch JOIN op USING (seq) "
            "LEFT JOIN task USING (task) GROUP BY seq"):
        known = what == "flush" and latency is not None
        sums[comm, tuple(frames[seq])] = [a + b for a, b in zip(
            sums[comm, tuple(frames[seq])], (operations, 1, latency if known else 0, not known), strict=True)]
    return dict(sums)


def as_lines(sums, weight):
    """Of SQL's sums, what the folded format says."""
    return {";".join((comm, *(frames or ["[no_stack]"]))): sum_of[weight]
            for (comm, frames), sum_of in sums.items() if sum_of[weight]}


def test_what_calls_go_through_is_one_line_whichever_place_they_come_from(stacks):
    lines, stderr = folded(stacks, status=5)
    assert set(lines) == {f"forks;{SYSCALL};{BEGIN};{PIN};{FLUSH}", f"forks;{SYSCALL};{END};{UNPIN};{FLUSH}",
                          "forks;[no_stack]"}
    assert END == "exit_mmap_[forks]" and BPF not in "".join(lines)
    assert re.fullmatch(r"xenpin: 1590 of 11110 operations were recorded without a stack: "
                        r"they are under \[no_stack\]\n", stderr)
    db = sqlite3.connect(stacks)
    assert db.execute("SELECT count(*) FROM op").fetchone() == (sum(lines.values()),)
    assert len(set(db.execute("SELECT address FROM stack WHERE frame = 1"))) == 2


def test_by_time(stacks):
    lines, _ = folded(stacks, "--weight", "latency", status=5)
    counts = said(stacks)["latency"]
    assert sum(lines.values()) == counts["count"] * counts["mean_ns"] == \
        sqlite3.connect(stacks).execute("SELECT sum(latency_ns) FROM batch").fetchone()[0]
    assert folded(stacks, "--weight", "operations", status=5) == folded(stacks, status=5)


def random_recording(path, tmp_path, seed):
    """Other programs, stacks, places, times that nobody saw, refusals, hypercalls of their own."""
    rng, copy = random.Random(seed), tmp_path / f"{seed}.db"
    shutil.copy(path, copy)
    with sqlite3.connect(copy) as db:
        functions = [f"function_{i}" for i in range(rng.randint(2, 9))]
        symbols = {-(1 << 31) + rng.randrange(1 << 30): f"{rng.choice(functions)}+{hex(rng.randrange(1, 999))}"
                   for _ in range(rng.randint(3, 40))}
        db.executemany("INSERT OR REPLACE INTO symbol VALUES (?, ?)", symbols.items())
        names = [rng.choice(("sh", "cron", "forks", "postgres")) for _ in range(5)]
        db.executemany("INSERT INTO task VALUES (?, ?, ?)", [(90000 + i, 7, name) for i, name in enumerate(names)])
        rows = []
        for seq, in db.execute("SELECT seq FROM batch").fetchall():
            stack = [rng.choice([*symbols, 1]) for _ in range(rng.choice((0, 1, 2, 3, 32)))]
            if stack and not any(address in symbols for address in stack):
                stack[0] = next(iter(symbols))
            rows += [(seq, frame, address) for frame, address in enumerate(stack)]
            db.execute("UPDATE batch SET flags = (flags & ~8) | ?, task = ?, latency_ns = ?, what = ? WHERE seq = ?",
                       (8 * bool(stack), rng.choice([None, 90000, 90001, 90002, 90003]),
                        rng.choice((None, 0, rng.randrange(10 ** 6))),
                        rng.choice(("flush", "flush", "unbatched")), seq))
        db.execute("UPDATE op SET result = -22 WHERE rowid % 5 = ?", (rng.randrange(5),))
        others = [row for row in db.execute("SELECT * FROM stack ORDER BY rowid")
                  if not db.execute("SELECT 1 FROM batch WHERE seq = ?", row[:1]).fetchone()]
        db.execute("DELETE FROM stack")
        db.executemany("INSERT INTO stack VALUES (?, ?, ?)", sorted(others + rows, key=lambda row: row[:2]))
    return copy


@pytest.mark.parametrize("seed", range(12))
def test_of_any_recording_the_stacks_add_up_to_the_account(stacks, tmp_path, seed):
    path = random_recording(stacks, tmp_path, seed)
    sums, whole = by_sql(path), said(path)
    sums = {(comm or "[no_name]", frames): sum_of for (comm, frames), sum_of in sums.items()}
    assert whole["recording"]["damage"] is None
    assert folded(path, status=1)[0] == as_lines(sums, 0)
    assert folded(path, "--weight", "latency", status=1)[0] == as_lines(sums, 2)
    counts, totals = whole["counts"], whole["stack_totals"]
    assert totals["all"]["operations"] == counts["pins"] + counts["unpins"] + counts["failed"]
    assert totals["all"]["batches"] == counts["records"]["batch"] + counts["records"]["unbatched"]
    assert totals["all"]["waited_ns"] == sum(p["flush_ns"] for p in whole["programs"])
    assert totals["all"]["batches"] - totals["all"]["unweighed"] == whole["latency"]["count"]
    listed = {(s["comm"] or "[no_name]", tuple(s["frames"])): [s[w] for w in WEIGHTS] for s in whole["stacks"]}
    shown = {key: sum_of for key, sum_of in sums.items() if key[1]}
    assert totals["stacks"] == len(shown) and len(listed) == min(len(shown), 500)
    assert listed.items() <= shown.items()
    assert [s["operations"] for s in whole["stacks"]] == sorted((n[0] for n in shown.values()), reverse=True)[:500]
    for i, w in enumerate(WEIGHTS):
        assert totals["without"][w] == sum(n[i] for (_, frames), n in sums.items() if not frames)
        assert totals["all"][w] == sum(n[i] for n in sums.values()) and totals["beyond"][w] == 0


def test_json_fits_its_schema(stacks, tmp_path):
    schema = lab.report_schema()
    wrong = changed(stacks, tmp_path, "UPDATE symbol SET name = 'a;b c' || x'0a' || name || ' [m;n] (x.c:1)'",
                    "UPDATE task SET comm = ';;'")
    lose_a_flag(wrong)
    for path in (stacks, wrong, random_recording(stacks, tmp_path, 1)):
        whole = said(path)
        jsonschema.validate(whole, schema)
        assert whole["stacks"]
    folded(wrong, status=1)


def test_text_shows_the_hottest(stacks, tmp_path):
    for path in (stacks, random_recording(stacks, tmp_path, 3)):
        _, head, text = report(path).stdout.rpartition("\nBy kernel stack, ")
        whole = said(path)
        assert f"% of {whole['stack_totals']['all']['operations']} operations" in text and head
        lines = re.findall(r"^ +([0-9.]+) +([0-9.]+)  (.*)\n((?: {15}.*\n)+)", text, re.M)
        assert len(lines) == min(5, len(whole["stacks"]))
        for (operations, waited, comm, frames), s in zip(lines, whole["stacks"]):
            assert comm == s["comm"] and frames.split()[::2] == s["frames"][::-1]
            for percent, w in ((operations, "operations"), (waited, "waited_ns")):
                assert float(percent) == pytest.approx(100 * s[w] / whole["stack_totals"]["all"][w], abs=0.06)
            assert all(len(line) <= 120 for line in frames.splitlines())
        more = len(by_sql(path)) - 5
        assert (f"and {whole['stack_totals']['stacks'] - 5} more" in text) == (more > 0)


def test_beside_a_finding_stands_its_stack(stacks, tmp_path):
    path = tmp_path / "lost.db"
    shutil.copy(stacks, path)
    lose_a_flag(path)
    (finding,) = said(path)["findings"]
    db = sqlite3.connect(path)
    recorded = [name for name, in db.execute(
        "SELECT name FROM stack JOIN symbol USING (address) WHERE seq = (SELECT min(seq) FROM page_table "
        "WHERE pfn = ? AND what = 'release') ORDER BY frame", (LOST,))]
    assert finding["stack"] == recorded and len(recorded) == 4 and "+0x1" in recorded[0]
    text = report(path).stdout
    assert "".join(f"        {name}\n" for name in recorded) in text
    # A recorder that judges at once notes what it knows, without the stack.
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO recording VALUES ('judged_live', 1)")
        db.execute("INSERT INTO finding SELECT t, 'released-pinned', 'shown', 'flag', pfn, NULL, 1, 0, 1, 'forks', '', "
                   "'', NULL, 0, NULL, NULL, NULL, NULL, NULL "
                   "FROM page_table WHERE pfn = ? AND what = 'release' ORDER BY seq LIMIT 1", (LOST,))
    assert [f["stack"] for f in said(path)["findings"]] == [recorded]


def test_of_a_refusal_that_the_recorder_knew_better_the_stack_stays(stacks, tmp_path):
    path = changed(stacks, tmp_path, "UPDATE op SET result = -22 WHERE rowid = (SELECT rowid FROM op WHERE op = 'pin' "
                   "AND pfn = 0x8020)", "INSERT INTO recording VALUES ('judged_live', 1)")
    (before,) = said(path)["findings"]
    assert before["class"] == "hypercall-failed" and before["stack"]
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO finding VALUES (?, 'double-pin', 'proven', 'xen', 0x8020, NULL, 1, 0, 1, 'forks', '', "
                   "'', 'pin', -22, NULL, NULL, NULL, NULL, NULL)", (before["t"],))
    (after,) = said(path)["findings"]
    assert after["class"] == "double-pin" and after["stack"] == before["stack"]


def test_a_name_cannot_break_a_line(stacks, tmp_path):
    path = changed(stacks, tmp_path, "UPDATE task SET comm = 'a b;c' || x'0a1b' || 'd'",
                   "UPDATE symbol SET name = 'x;y' || x'0a1b' || 'é [z;z z]' WHERE name LIKE 'xen_mc_flush%'",
                   "UPDATE symbol SET name = '+0x5' WHERE name LIKE '__xen_pgd_pin%'",
                   "UPDATE symbol SET name = printf('%.*c', 255, 'n') WHERE name LIKE 'xen_dup_mmap%'")
    lose_a_flag(path)
    lines, _ = folded(path, status=1)
    assert f"a_b:c??d;{SYSCALL};{'n' * 255};?;x:y????_[z:z_z]" in lines
    text = report(path).stdout
    assert "        x;y???? [z;z z]\n" in text and not any(ord(c) < 32 for c in text.replace("\n", ""))


def test_a_name_that_would_be_read_for_hours_is_damage(stacks, tmp_path):
    for name in ("printf('%.*c', 256, 'n')", "CAST('n' || zeroblob(900000) AS TEXT)"):
        path = changed(stacks, tmp_path, f"UPDATE symbol SET name = {name} WHERE name LIKE 'xen_dup_mmap%'")
        lose_a_flag(path)
        whole = said(path)
        assert whole["recording"]["damage"] == "it is damaged: a symbol's name is too long"
        assert {tuple(s["frames"]) for s in whole["stacks"]} == {("[no_names]",)}
        stack = whole["findings"][0]["stack"]
        assert len(stack) == 5 and all(re.fullmatch("0x[0-9a-f]{16}", name) for name in stack)


def test_damage_that_ended_the_reading_is_told_before_that_of_names(stacks, tmp_path):
    path = changed(stacks, tmp_path, "UPDATE symbol SET name = printf('%.*c', 256, 'n')",
                   "DELETE FROM page_table WHERE seq = 10009")
    assert "record 10009 is missing" in said(path)["recording"]["damage"]


def test_frames_that_are_bpfs_own_have_no_name_and_no_place(stacks, tmp_path):
    """Only they have no symbol; a stack of nothing else is one all the same."""
    path = changed(stacks, tmp_path, "DELETE FROM symbol WHERE name LIKE '%pin%'")
    assert f"forks;{SYSCALL};{BEGIN};{FLUSH}" in folded(path, status=5)[0]
    path = changed(stacks, tmp_path, "DELETE FROM symbol")
    assert folded(path, status=5)[0] == {"forks;[no_names]": 9520, "forks;[no_stack]": 1590}


def test_without_stacks_the_option_that_makes_them_is_named(recordings):
    for name, status in (("clean", 5), ("bad", 1)):
        lines, stderr = folded(recordings[name], status=status)
        whole = said(recordings[name])
        assert stderr == f"xenpin: '{recordings[name]}' holds no stacks: `xenpin record --stack` records them\n"
        assert {line.rsplit(";")[-1] for line in lines} == {"[no_stack]"}
        assert sum(lines.values()) == whole["counts"]["pins"] + whole["counts"]["unpins"]
        assert whole["stacks"] == [] and whole["stack_totals"]["without"] == whole["stack_totals"]["all"]
        assert "By kernel stack" not in report(recordings[name]).stdout
        assert all(f["stack"] == [] for f in whole["findings"])


def test_where_nothing_was_pinned_nothing_is_missing(tmp_path):
    path = tmp_path / "none.db"
    make_stacks(path, 7)
    assert folded(path) == ({}, "")


def test_where_every_record_has_its_stack_nothing_is_missing(stacks, tmp_path):
    path = changed(stacks, tmp_path, "DELETE FROM recording WHERE key = 'xenpin'")
    with sqlite3.connect(path) as db:
        db.execute("CREATE TEMP TABLE bare AS SELECT seq FROM batch WHERE NOT flags & 8")
        db.execute("INSERT INTO stack SELECT bare.seq, 0, address FROM bare, (SELECT address FROM symbol LIMIT 1)")
        db.execute("CREATE TEMP TABLE ordered AS SELECT * FROM stack ORDER BY seq, frame")
        db.execute("DELETE FROM stack")
        db.execute("INSERT INTO stack SELECT * FROM ordered")
        db.execute("UPDATE batch SET flags = flags | 8")
    lines, stderr = folded(path)
    assert stderr == "" and len(lines) == 3
    assert folded(path, "--weight", "latency")[1] == ""


def test_what_nobody_saw_the_end_of_has_no_weight_and_is_told(stacks, tmp_path):
    path = changed(stacks, tmp_path, "UPDATE batch SET latency_ns = NULL WHERE seq % 3")
    db = sqlite3.connect(path)
    known, unknown = db.execute("SELECT sum(latency_ns), sum(latency_ns IS NULL) FROM batch").fetchone()
    lines, stderr = folded(path, "--weight", "latency", status=5)
    assert sum(lines.values()) == known
    assert f"xenpin: {unknown} of 2222 batches are left out: how long they waited for Xen was not seen\n" in stderr
    assert "left out" not in folded(path, status=5)[1]
    assert f"How long {unknown} of 2222 batches waited was not seen." in report(path).stdout


def test_more_stacks_than_are_told_apart_are_counted(tmp_path):
    path, more = tmp_path / "many.db", 100
    make_stacks(path, 170000)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TEMP TABLE batches AS SELECT seq, row_number() OVER (ORDER BY seq) n FROM batch")
        (n,) = db.execute("SELECT max(n) FROM batches").fetchone()
        assert n > STACKS_MAX + more
        db.execute("DELETE FROM stack")
        db.execute("INSERT INTO stack SELECT seq, 0, min(n, ?) FROM batches", (STACKS_MAX + more,))
        db.execute("UPDATE batch SET flags = flags | 8")
        db.execute("UPDATE page_table SET flags = flags & ~8")
        db.execute("INSERT INTO symbol SELECT n, 'f_' || n || '+0x1' FROM batches")
    lines, stderr = folded(path, status=5)
    beyond = 5 * (n - STACKS_MAX)
    assert len(lines) == STACKS_MAX + 1 and lines["[other_stacks]"] == beyond
    assert sum(lines.values()) == 5 * n and lines[f"forks;f_{STACKS_MAX}"] == 5
    assert stderr == f"xenpin: {beyond} of {5 * n} operations are under [other_stacks]: more than {STACKS_MAX} " \
        "stacks are not told apart\n"
    totals = said(path)["stack_totals"]
    assert totals["beyond"]["operations"] == beyond and totals["stacks"] == STACKS_MAX
    assert re.search(rf"^ +[0-9.]+ +[0-9.]+  in stacks beyond the first {STACKS_MAX}$", report(path).stdout, re.M)


def test_before_and_after_it_has_rows_it_says_the_same(tmp_path):
    """What a killed recorder leaves is read as it came."""
    path = tmp_path / "raw.db"
    recorder = subprocess.Popen([SOURCE, path, "0", "0", "0", write_kallsyms(path)])
    try:
        wait_until(lambda: is_begun(path) and query(path, "SELECT 1 FROM raw LIMIT 1"))
    finally:
        recorder.kill()
        recorder.wait()
    assert query(path, "SELECT 1 FROM stack LIMIT 1") == []
    before = folded(path, status=5)[0]
    assert finish(path).returncode == 0
    assert folded(path, status=5)[0] == before == as_lines(by_sql(path), 0) and len(before) == 3


def test_damage_among_the_names_is_told(stacks, tmp_path):
    path = tmp_path / "damaged.db"
    shutil.copy(stacks, path)
    db = sqlite3.connect(path)
    page, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'symbol'").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size] = 0xff
    path.write_bytes(content)
    whole = said(path)
    assert "it is damaged: database disk image is malformed" == whole["recording"]["damage"]
    assert whole["verdict"]["status"] == "incomplete"


@pytest.mark.parametrize("options, sentence", [
    (["--format", "folded", "--weight", "pins"], "--weight: 'pins' is not one of operations, latency"),
    (["--weight", "latency"], "--weight: only --format folded has weights, not text"),
    (["--format", "json", "--weight", "operations"], "--weight: only --format folded has weights, not json"),
    (["--format", "flame"], "--format: 'flame' is not one of text, json, html, perfetto, folded"),
])
def test_what_does_not_go_together_is_refused(stacks, options, sentence):
    result = report(stacks, *options)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"xenpin: {sentence}\n")
