# SPDX-License-Identifier: GPL-2.0-only
"""xenpin's records against bpftrace's counts of the same forks, on every kernel."""
import re
from collections import Counter

import pytest

import lab

FORKS = 211
KERNEL_IMAGE = 0xffffffff80000000	# where init_mm lies, other mms are on the heap


@pytest.fixture(params=lab.one_worker_each("witness"))
def seen(request):
    return lab.run_script("witness.sh", request.param, "--dom0-mem", "2048")


def of_forks(records):
    return [r for r in records if r.get("comm") == "forks"]


def missed_by_probe(records):
    """
    What the kernel skipped because the same program was already running on that CPU, and said so.
    6.1 and 6.12 skip none here; 7.2 lets a tracepoint's program be preempted, and skips a few.
    """
    return {h["name"]: h["missed"] for h in records[-1]["probes"]}


def bpftrace_tables(text, name):
    """Counter of (pfn, Xen's level) from lines like "@alloc[4711, 4]: 1"."""
    return Counter({(int(pfn), lab.LEVEL_OF_KERNEL[int(level)]): int(count) for pfn, level, count
                    in re.findall(rf"@{name}\[(\d+), (\d+)\]: (\d+)", text)})


def bpftrace_count(text, name):
    return int(re.search(rf"@{name}: (\d+)", text).group(1))


@pytest.mark.parametrize("way", ["default", "raw_tp"])
def test_one_for_one(seen, way):
    records = seen.records(f"exact-{way}")
    witness = seen.text(f"exact-{way}.bpftrace")
    missed = missed_by_probe(records)
    assert seen.status(f"exact-{way}") == (5 if sum(missed.values()) else 0)
    assert records[-1]["dropped"] == 0
    tables = [r for r in of_forks(records) if r["type"] == "table"]
    for what in "alloc", "release":
        ours = Counter((int(r["pfn"], 16), r["level"]) for r in tables if r["what"] == what)
        theirs = bpftrace_tables(witness, what)
        assert not ours - theirs
        assert sum((theirs - ours).values()) <= missed[what]
        assert sum(ours.values()) > 2 * FORKS
    mms = Counter(r["what"] for r in of_forks(records) if r["type"] == "mm")
    for what in "pin", "unpin":
        count = bpftrace_count(witness, f"mm_{what}")
        assert count >= FORKS and 0 <= count - mms[what] <= missed[f"pgd_{what}"]


@pytest.mark.parametrize("way", ["default", "raw_tp"])
def test_pins_add_up(seen, way):
    """Two L4 pins for each new mm, and for every pin its unpin once the mm is gone."""
    records = seen.records(f"exact-{way}")
    vias = {h["name"]: h["via"] for h in records[0]["probes"]}
    assert vias["flush"] == vias["pgd_pin"] == ("raw_tp" if way == "raw_tp" else "tp_btf")
    # Where a task can be preempted in a tracepoint, those that can be are attached as perf's.
    assert vias["alloc"] == vias["release"] in ([vias["flush"]] if way == "raw_tp" else ["tp", "tp_btf"])
    if way == "default":
        assert sum(missed_by_probe(records).values()) == 0
    assert records[-1]["dropped"] == 0
    missed = sum(missed_by_probe(records).values())
    ours = of_forks(records)
    batches = [r for r in ours if r["type"] == "batch"]
    pins = [op for b in batches for op in b["ops"] if op["op"] == "pin"]
    new_mms = sum(1 for r in ours if r["type"] == "mm" and r["what"] == "pin")
    assert new_mms >= FORKS - missed
    assert abs(sum(1 for op in pins if op["level"] == 4) - 2 * new_mms) <= 2 * missed
    assert all(op["result"] == 0 for b in batches for op in b["ops"])
    # Xen's clock stands still while a CPU's TSC is behind another's: rarely, not mostly.
    assert sum((b["latency_ns"] or 0) > 0 for b in batches) > 0.5 * len(batches)
    # The end was seen of trees and of single tables alike, but for what the kernel skipped.
    assert sum(b["latency_ns"] is None for b in batches) <= missed
    assert any(len(b["ops"]) == 1 for b in batches)
    assert all(len(b["ops"]) <= 21 for b in batches)
    # Every page is pinned and unpinned in turn, those of the forked mms unpinned at last.
    # A fork may also extend the kernel's own tables (for a stack), and these stay.
    state, kernels_own, kept, out_of_turn = {}, set(), set(), 0
    for record in records:
        if record.get("what") == "alloc" and int(record["mm"], 16) >= KERNEL_IMAGE:
            kernels_own.add(record["pfn"])
        for op in record.get("ops", []):
            by = record["comm"] if op["op"] == "pin" else None
            if op["mfn"] in state:
                out_of_turn += (state[op["mfn"]] is None) != (by is not None)
            if by:
                assert op["pfn"] is not None and op["level"] in (1, 4)
            state[op["mfn"]] = by
            if by and op["pfn"] in kernels_own:
                kept.add(op["mfn"])
    still = [mfn for mfn, by in state.items() if by == "forks" and mfn not in kept]
    assert out_of_turn + len(still) <= 21 * missed, (out_of_turn, still)


def test_there_are_no_pins_outside_batches(seen):
    """pin_pagetable_pfn() is __init: if a kernel keeps it, it wants a probe."""
    lines = (line.split() for line in seen.text("unbatched").splitlines())
    at = {name: int(address, 16) for address, _, name in lines}
    assert at["_sinittext"] < at.get("pin_pagetable_pfn", at["_sinittext"] + 1) < at["_einittext"]


def test_levels_and_flags_are_known(seen):
    """What began in the trace is known to its end: no unpin or release without level and mm."""
    records = seen.records("exact-default")
    known, flags, wrong = {}, {}, []
    for r in records:
        if r["type"] == "table" and r["what"] == "alloc":
            known[r["pfn"]] = r
            wrong += [r] * (r["flag"] is not False)
        elif r["type"] == "table" and r["pfn"] in known:
            began = known.pop(r["pfn"])
            wrong += [r] * ((r["level"], r["mm"]) != (began["level"], began["mm"]))
            wrong += [r] * (r["comm"] == "forks" and r["flag"] != flags.get(r["pfn"], False))
        elif r["type"] == "flag":
            assert not r["exact"] and r["level"]
            wrong += [r] * (flags.get(r["pfn"]) == (r["what"] == "set"))
            flags[r["pfn"]] = r["what"] == "set"
    assert len(flags) > 3
    # A record that the kernel skipped leaves a tree of some 20 tables unexplained.
    assert len(wrong) <= 20 * sum(missed_by_probe(records).values()), wrong[:5]


def test_time_order(seen):
    times = [r["t"] for r in seen.records("exact-default")]
    assert times == sorted(times)


def test_losses_make_no_finding(seen):
    """Nearly each of these has gaps; of traces without a mark where a gap ends, one in five found something."""
    with_gaps = 0
    for i in range(1, 13):
        records = seen.records(f"lossy-{i}")
        assert [r for r in records if r["type"] == "finding"] == []
        assert seen.status(f"lossy-{i}") == (5 if records[-1]["dropped"] or records[-1]["missed"] else 0)
        with_gaps += records[-1]["dropped"] > 0
    # How much is dropped depends on who else wants the CPU; that something is, in each but a few, does not.
    assert with_gaps >= 8


def test_a_full_ring_counts_what_it_drops(seen):
    assert seen.status("tiny") == 5
    tiny, ample = seen.records("tiny"), seen.records("ample")
    assert seen.status("ample") == (5 if ample[-1]["missed"] else 0)
    end, witness = tiny[-1], seen.text("tiny.bpftrace")
    probes = {h["name"]: h for h in end["probes"]}
    seen_by_kernel = {
        "alloc": sum(bpftrace_tables(witness, "alloc").values()),
        "release": sum(bpftrace_tables(witness, "release").values()),
        "pgd_pin": bpftrace_count(witness, "mm_pin"),
        "pgd_unpin": bpftrace_count(witness, "mm_unpin"),
        "flush": next(h for h in ample[-1]["probes"] if h["name"] == "flush")["delivered"],
    }
    assert ample[-1]["dropped"] == 0 and end["dropped"] > 0
    for name, count in seen_by_kernel.items():
        accounted = probes[name]["delivered"] + probes[name]["dropped"]
        unsure = missed_by_probe(ample)["flush"] if name == "flush" else 0
        assert count - probes[name]["missed"] <= accounted <= count + unsure, name
    # The losses stand in the stream, per CPU and probe, and add up to the summary.
    told = Counter()
    for r in tiny:
        if r["type"] == "dropped":
            told[r["probe"]] += r["count"]
    assert dict(told) == {n: h["dropped"] for n, h in probes.items() if h["dropped"]}
    counted = Counter(r["type"] for r in tiny)
    assert counted["batch"] == probes["flush"]["delivered"]
    assert counted["batch"] + counted["table"] + counted["mm"] == end["delivered"]
