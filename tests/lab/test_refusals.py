# SPDX-License-Identifier: GPL-2.0-only
"""What Xen really refuses, against the kernel's own messages of it."""
import collections
import json
import re
import sqlite3

import pytest

import lab

NUMBERS = {name: int(number) for number, name in re.findall(
    r"^HYPERCALL\((\d+), (\w+), \d\)$", (lab.ROOT / "src/record/hypercalls.def").read_text(), re.M)}
NO_HYPERCALL = 57
# Flushes of refuse.ko, and how many of their entries Xen refuses.
FLUSHES = [(6, 7), (1, 1), (3, 12), (11, 12), (32, 32)]
ENTRIES = sum(refused for refused, _ in FLUSHES)
ALL_KINDS = [
    {"op": "update_va_mapping", "command": None, "count": 1, "args": ["0xdead000", "0x67"]},
    {"op": "mmu_update", "command": "normal_pt_update", "count": 3, "args": ["0xfee01000", "0x0"]},
    {"op": "mmuext_op", "command": "pin_l1_table", "count": 1, "args": ["0xfee01"]},
    {"op": "mmuext_op", "command": "set_ldt", "count": 1, "args": ["0x123", "0x8"]},
    {"op": "update_descriptor", "command": None, "count": 1, "args": ["0xfee01008", "0x0"]},
    {"op": None, "command": None, "count": 1, "args": []},
]


@pytest.fixture(params=lab.one_worker_each("refusals", kernels=lab.ENDS))
def seen(request):
    return lab.run_script("refusals.sh", request.param, tools=[
        "/usr/sbin/bpftool", lab.ROOT / "build/victim", lab.injector(request.param),
        lab.injector(request.param, "refuse")])


def witness(seen, name):
    """Of each flush in the kernel's messages: failed, of; and all of its calls: op, first argument, result."""
    text = seen.text(f"{name}.dmesg")
    flushes = [tuple(map(int, m)) for m in re.findall(r"(\d+) of (\d+) multicall\(s\) failed: cpu", text)]
    calls = [(int(op), int(arg, 16), int(result)) for op, arg, result in re.findall(
        r"call +\d+: op=(\d+) arg=\[([0-9a-f]+)\] result=(-\d+)", text)]
    assert len(calls) == sum(failed for failed, _ in flushes)
    return flushes, calls


def of_type(records, kind):
    return [r for r in records if r["type"] == kind]


def number(record):
    return NO_HYPERCALL if record["op"] is None else NUMBERS[record["op"]]


def test_each_refused_entry_is_a_record(seen):
    flushes, calls = witness(seen, "refused")
    assert flushes == FLUSHES
    refused = of_type(seen.records("trace"), "refused")
    assert [(number(r), r["result"]) for r in refused] == [(op, result) for op, _, result in calls]
    # Of the others the kernel shows where their operations stood.
    assert all(int(r["args"][0], 16) == arg for r, (_, arg, _) in zip(refused, calls, strict=True)
               if r["op"] in ("update_va_mapping", "update_descriptor", "set_segment_base"))
    assert [{k: r[k] for k in ALL_KINDS[0]} for r in refused[:6]] == ALL_KINDS
    assert [r["error"] for r in refused[:6]] == 5 * ["EINVAL"] + ["ENOSYS"]
    assert [int(r["args"][1], 16) for r in refused[6:]] == [i for n, _ in FLUSHES[1:] for i in range(n)]
    assert {r["comm"] for r in refused} == {"insmod"} and len({r["pid"] for r in refused}) == 1


def test_its_stack_is_the_callers(seen):
    """It begins where those of batches do, with none of printk()'s functions."""
    for r in of_type(seen.records("trace"), "refused"):
        assert r["stack"][0].startswith("xen_mc_flush") and "do_init_module" in " ".join(r["stack"])
        assert not any("printk" in frame for frame in r["stack"])


def test_each_is_one_finding(seen):
    """The pin is told by its batch, which was there first; nobody else's word rests on what was refused."""
    records = seen.records("trace")
    findings = of_type(records, "finding")
    assert seen.status("trace") == 1 and len(findings) == records[-1]["findings"] == ENTRIES
    assert {(f["class"], f["grade"]) for f in findings} == {("hypercall-failed", "proven")}
    (pin,) = [f for f in findings if "could not be pinned" in f["text"]]
    assert (pin["mfn"], pin["level"], pin["result"]) == ("0xfee01", 1, -22)
    assert sum(f["text"].startswith("Xen refused ") for f in findings) == ENTRIES - 1
    assert not any("pin_l1_table" in f["text"] for f in findings)


def test_text(seen):
    lines = [line for line in seen.text("text.out").splitlines() if " refused " in line]
    assert len(lines) == ENTRIES and seen.status("text") == 0
    assert lines[1].endswith(" refused  mmu_update(normal_pt_update, 0xfee01000, 0x0), the first of 3: EINVAL")
    assert lines[5].endswith(" refused  unknown hypercall 57: ENOSYS")


@pytest.mark.parametrize("name", ["report", "rotating-report"])
def test_a_recording_finds_the_same(seen, name):
    """The second was judged while it was recorded."""
    live = of_type(seen.records("trace"), "finding")
    said = json.loads(seen.text(f"{name}.out"))
    assert seen.status(name) == 1 and said["counts"]["records"]["refused"] == ENTRIES
    assert [f["text"] for f in said["findings"]] == [f["text"] for f in live]
    if name == "report":
        db = sqlite3.connect(seen.directory / "a.db")
        rows = db.execute("SELECT hypercall, result FROM refused ORDER BY seq").fetchall()
        assert rows == [(op, result) for op, _, result in witness(seen, "refused")[1]]
        assert db.execute("SELECT count(DISTINCT seq) FROM stack JOIN refused USING (seq)").fetchone() == (ENTRIES,)


def test_filters_leave_it_out(seen):
    for name in ("others", "pins"):
        records = seen.records(name)
        assert not of_type(records, "refused") and not of_type(records, "finding")
    assert {p["name"]: p["via"] for p in seen.records("pins")[0]["probes"]}["refused"] == "off"


def test_a_second_pin_is_one_finding(seen):
    """Xen refuses each, as the kernel says; the batch's record has told it already, and of which page."""
    records = seen.records("twice")
    refused, findings = of_type(records, "refused"), of_type(records, "finding")
    _, calls = witness(seen, "twice")
    assert len(calls) == 3 and [(number(r), r["result"]) for r in refused] == [(op, result) for op, _, result in calls]
    assert {r["command"] for r in refused} == {"pin_l1_table"}
    assert collections.Counter(f["class"] for f in findings) == {"double-pin": 3}
    assert {f["mfn"] for f in findings} == {r["args"][0] for r in refused}


@pytest.mark.patched
@pytest.mark.parametrize("kernel", lab.one_worker_each("refused-early", kernels=lab.PATCHED))
def test_the_series_tells_of_each(kernel):
    """Its own reading of the buffer, after Xen has seen it, against the kernel's messages."""
    seen = lab.run_script("refused-early.sh", kernel, "--append", "xenpin.early=1",
                          tools=["/usr/sbin/bpftool", lab.injector(kernel, "refuse")])
    flushes, calls = witness(seen, "refused")
    assert flushes == FLUSHES
    refused = [r for r in seen.records("records") if r.get("kind") == "refused"]
    assert [(number(r), r["result"]) for r in refused] == [(op, result) for op, _, result in calls]
    assert [{key: r[key] for key in want} for r, want in zip(refused, ALL_KINDS, strict=False)] == ALL_KINDS
    assert all(len(r["stack"]) > 2 for r in refused)
