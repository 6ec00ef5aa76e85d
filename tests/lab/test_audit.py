# SPDX-License-Identifier: GPL-2.0-only
"""Findings: the audit against Xen's own count, in storms, against injected faults; and live."""
import json
import re

import pytest

import lab

SEEDS = range(11, 16)


def run(kernel, *options):
    """Boot tests/lab/audit.sh with a module for this kernel."""
    tools = [*(lab.ROOT / "build" / name for name in ("victim", "census", "clock")),
             lab.injector(kernel)]
    return lab.run_script("audit.sh", kernel, *options, tools=[*lab.HOST_TOOLS[1:], *tools])


KERNELS = [*lab.KERNELS, *lab.PATCHED]

DOM0S = lab.one_worker_each("audit", kernels=KERNELS)
DOMUS = lab.one_worker_each("audit-domu", "domu",
                            kernels=[k for k in KERNELS if k == "stock-6.1"])


def run_as(param):
    kernel, _, domu = param.partition(" ")
    result = run(kernel, *(["--domu"] if domu else []))
    result.dom0 = not domu
    return result


@pytest.fixture(params=[*DOM0S, *DOMUS])
def guest(request):
    return run_as(request.param)


@pytest.fixture(params=[*lab.one_worker_each("audit", kernels=lab.KERNELS), *DOMUS])
def stock(request):
    """The same boots, of kernels with userfaultfd, which holds an execve()."""
    return run_as(request.param)


@pytest.fixture(params=DOM0S)
def dom0(request):
    """For what only dom0 can ask."""
    return run(request.param)


@pytest.fixture(params=lab.one_worker_each("audit", kernels=lab.PATCHED))
def patched(request):
    """The same boots, of kernels that tell of each write of a flag."""
    return run(request.param)


def witnesses(guest):
    """A domU may not ask Xen."""
    return {"flag", "tree", "direct-map"} | ({"xen"} if guest.dom0 else set())


def audits(guest, name):
    return [r for r in guest.records(name) if r["type"] == "audit"]


def findings(guest, name):
    return [r for r in guest.records(name) if r["type"] == "finding"]


def injected(guest, name):
    """{pfn: (level, mm)} of what the module says it did."""
    lines = re.findall(r"(?:set|clear) pfn=(0x[0-9a-f]+) level=(\d) mm=0x([0-9a-f]+)",
                       guest.text(name + ".log"))
    return {pfn: (int(level), int(mm, 16)) for pfn, level, mm in lines}


def test_clean_at_rest(guest):
    assert guest.status("once") == 0 and guest.text("once.out").startswith("clean: ")
    for audit in audits(guest, "quiet"):
        assert audit["lost"] == audit["stale"] == [] and audit["unknown"] == 0
        assert audit["complete"] and set(audit["witnesses"]) == witnesses(guest)
        assert audit["domain"] == ("dom0" if guest.dom0 else "domU")


@pytest.mark.parametrize("name", ["quiet", "storm"])
def test_all_tables_have_the_flag_but_two(guest, name):
    """Also of an audit during which tables came and went.

    The kernel pins p2m_missing_pte and p2m_identity_pte before there are flags, and marks
    later what it finds in a tree: neither, or one of them (kernel/README.md).
    """
    for audit in audits(guest, name):
        bare = sum(audit["tables"].values()) - audit["flagged"]
        assert 1 <= bare <= 2 + audit["unknown"]


def test_tables_are_those_that_xen_counts(dom0):
    """Per level, exactly. Xen's count takes time: only what did not change meanwhile compares."""
    census = json.loads(dom0.text("census"))
    # The clocks of emulated CPUs differ a little: not near the edges.
    edge = (census["end"] - census["begin"]) / 10
    seen = [a["tables"] for a in audits(dom0, "quiet")
            if census["begin"] + edge < a["t"] < census["end"] - edge]
    assert len(seen) >= 2 and all(s == seen[0] for s in seen), seen
    assert seen[0] == {level: census[level] for level in seen[0]}


@pytest.mark.parametrize("name, count", [("storm", 60), ("moment", 40)])
def test_no_false_finding_in_a_storm(guest, name, count):
    assert findings(guest, name) == []
    assert guest.status(name) in (0, 5)
    seen = audits(guest, name)
    assert len(seen) == count
    assert sum(not a["complete"] for a in seen) <= count // 10
    # It was a storm: the tables were others each time.
    assert len({tuple(a["tables"].values()) for a in seen}) > 10


def test_no_false_finding_at_the_begin_of_a_trace(guest):
    """The audit that the model begins with, and what the stream said meanwhile, are one state."""
    for i in range(1, 5):
        assert findings(guest, f"begin-{i}") == []
        assert guest.status(f"begin-{i}") in (0, 5)
        assert guest.records(f"begin-{i}")[-1]["type"] == "end"


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_are_found(guest, seed):
    name = f"lost-{seed}"
    truth = injected(guest, name)
    found = findings(guest, name)
    assert len(truth) == 10 and guest.status(name) == 1
    assert {f["pfn"]: (f["level"], int(f["mm"], 16)) for f in found} == truth
    victim = int(guest.text("victim"))
    for f in found:
        assert f["class"] == "lost" and f["grade"] == "proven" and f["effect"]
        assert set(f["witnesses"]) == witnesses(guest)
        if int(f["mm"], 16) >= 0xffffffff80000000:
            assert (f["pid"], f["comm"]) == (0, "kernel")
        else:
            assert (f["pid"], f["comm"]) == (victim, "victim")
    (audit,) = audits(guest, name)
    assert sorted(audit["lost"]) == sorted(truth) and audit["stale"] == []


def test_losses_were_of_all_kinds(guest):
    kinds = {(level, mm >= 0xffffffff80000000) for seed in SEEDS
             for level, mm in injected(guest, f"lost-{seed}").values()}
    assert kinds == {(1, True), (2, True), (3, True), (1, False), (2, False), (3, False), (4, False)}


def test_what_is_mended_is_not_found(guest):
    assert guest.status("after") == 0 and findings(guest, "after") == []


def test_stale_flags_are_found(guest):
    truth = injected(guest, "stale")
    found = findings(guest, "stale")
    assert len(truth) == 3 and guest.status("stale") == 1
    assert {f["pfn"] for f in found} == set(truth)
    for f in found:
        assert f["class"] == "stale" and f["grade"] == "proven"
        assert witnesses(guest) - {"tree"} <= set(f["witnesses"])
    text = guest.text("stale-text.out")
    assert text.startswith("3 findings: ") and text.count("stale, proven: page 0x") == 3


def test_a_stale_flag_on_a_table_that_no_tree_reaches(stock):
    """Of a process in the middle of its execve(): the pin of its tree would leave the table out."""
    (pfn,) = injected(stock, "unborn")
    (finding,) = findings(stock, "unborn")
    assert stock.status("unborn") == 1 and pfn == stock.text("unborn").strip()
    assert (finding["pfn"], finding["class"], finding["grade"]) == (pfn, "stale", "proven")


def test_findings_are_counted_where_only_they_are_printed(guest):
    start, *found, end = guest.records("counted")
    assert [f["class"] for f in found] == ["stale"] * 2 and guest.status("counted") == 1
    assert end["findings"] == 2 and end["elapsed_ns"] < 60_000_000_000


def test_a_life_without_findings(guest):
    records = guest.records("live")
    assert [r["type"] for r in records] == ["start", "end"]
    assert guest.status("live") == (5 if records[-1]["missed"] else 0)


@pytest.mark.parametrize("order, what", [
    # The kernel takes the table for unpinned, and gives its page back as it is.
    ("unmap", {"class": "released-pinned", "grade": "proven", "witnesses": ["flag", "direct-map"],
               "result": 0}),
    # The bug of 5.14: mremap() of a table that has no flag pins it again, and Xen refuses.
    ("move", {"class": "double-pin", "grade": "proven", "witnesses": ["xen", "history"],
              "result": -22})])
def test_live_findings(guest, order, what):
    name = f"live-{order}"
    truth = injected(guest, name)
    found = findings(guest, name)
    assert guest.status(name) == 1 and len(truth) == 3
    assert guest.records(name)[-1]["findings"] == len(found)
    # The audit at the end of the trace meets the pages that were given back as they are.
    left = [f for f in found if f["class"] == "stranded"]
    assert {f["pfn"] for f in left} == (set(truth) if order == "unmap" else set())
    found = [f for f in found if f not in left]
    assert {f["pfn"]: (f["level"], int(f["mm"], 16)) for f in found} == truth
    for f in found:
        assert {key: f[key] for key in what} == what and f["comm"] == "victim"
        assert any(("release" if order == "unmap" else "mremap") in frame for frame in f["stack"])


@pytest.mark.parametrize("order, refused", [("unmap", 0), ("move", 3)])
def test_what_xen_refuses_is_counted(guest, order, refused):
    text = guest.text(f"live-{order}.prom")
    assert re.search(rf"^xenpin_failed_operations_total {refused}$", text, re.M)


def test_one_page(guest):
    (pfn,) = injected(guest, "chosen")
    (page,) = guest.records("page")
    assert guest.status("page") == 0 and page["pfn"] == pfn and page["level"] == 1
    assert page["in_tree"] and page["flag"] == "set" and page["direct_map"] == "read-only"
    assert page["xen"] == ("L1 table, pinned" if guest.dom0 else "unknown")
    assert (page["pid"], page["comm"]) == (int(guest.text("victim")), "victim")
    finding, page = guest.records("page-lost")
    assert guest.status("page-lost") == 1 and finding["class"] == "lost" and finding["pfn"] == pfn
    assert page["flag"] == "clear" and page["finding"] == "lost" and page["grade"] == "proven"
    text = guest.text("page-text.out")
    assert text.startswith("lost, proven: ") and "flag        clear" in text


def test_the_watch_names_who_cleared_it(guest):
    assert injected(guest, "watched") == injected(guest, "chosen")
    page, *writes = guest.records("watch")
    assert [w["what"] for w in writes] == ["clear", "set"] and guest.status("watch") == 0
    assert [w["comm"] for w in writes] == ["insmod", "rmmod"]
    for write in writes:
        assert write["exact"] and write["pfn"] == page["pfn"] and write["level"] == 1
        assert any(frame.startswith("inject_write+") for frame in write["stack"])


def test_what_a_page_ends_with(guest):
    """A finding outranks a full disk; a closed pipe ends a watch; years are no negative number."""
    for name, status in (("full-lost", 1), ("full", 5)):
        assert guest.status(name) == status
        assert guest.text(f"{name}.err") == "xenpin: cannot write to stdout: No space left on device\n"
    assert guest.status("pipe") == 0 and guest.text("pipe.err") == ""
    assert guest.status("long") == 0 and "0 changes in 0 writes" in guest.text("long.err")


def test_what_an_incomplete_audit_did_not_find_may_be_there(guest):
    (audit,) = audits(guest, "many")
    assert not audit["complete"] and audit["lost"] == []
    assert guest.text("many-text.out").startswith("incomplete, nothing found: ")
    assert "the audit is incomplete, so that proves nothing\n" in guest.text("many-page.out")
    assert "no pinned tree that was seen refers to it\n" in guest.text("many-page.out")
    (page,) = guest.records("many-json")
    assert not page["complete"] and not page["in_tree"]
    assert "no finding proves nothing" in guest.text("many-trace.err")
    for name in ("many", "many-text", "many-page", "many-json", "many-trace", "many-top"):
        assert guest.status(name) == 5, name


@pytest.mark.patched
def test_a_patched_kernel_tells_of_each_write(patched):
    (features,) = patched.records("features")
    assert {h["name"]: h["via"] for h in features["probes"]}["flag_clear"] == "tp_btf"
    start, *records, end = patched.records("exact")
    assert patched.status("exact") == 0 and {h["via"] for h in start["probes"]} == {"tp_btf"}
    writes = [r for r in records if r["type"] == "flag"]
    assert writes and all(w["exact"] for w in writes)
    delivered = {h["name"]: h["delivered"] for h in end["probes"]}
    assert {what: delivered[f"flag_{what}"] for what in ("set", "clear")} == \
        {what: sum(w["what"] == what for w in writes) for what in ("set", "clear")}
    # What is made in a pinned tree is marked, what carries a flag when it is released loses it.
    for table, write in (("alloc", "set"), ("release", "clear")):
        due = {r["pfn"] for r in records
               if r["type"] == "table" and r["what"] == table and r["pinned"]}
        written = [w["pfn"] for w in writes if w["what"] == write]
        assert due <= set(written) and len(written) >= 11 * 5


@pytest.mark.patched
def test_the_clearing_write_is_found_within_a_second(patched):
    found = findings(patched, "cleared")
    assert patched.status("cleared") == 1 and len(found) == 5
    for level, finding in enumerate(found[1:], 1):
        ((pfn, (_, mm)),) = injected(patched, f"cleared-{level}").items()
        assert (finding["pfn"], finding["level"]) == (pfn, level)
        assert int(finding["mm"], 16) in (mm, 0)	# the stream knows no mm of a user's L4
        assert (finding["class"], finding["grade"]) == ("lost", "shown")
        assert finding["comm"] == "insmod"
        assert any(frame.startswith("inject_write+") for frame in finding["stack"])
        delay = int(patched.text(f"cleared-{level}.seen")) - finding["t"]
        print(f"L{level}: reported {delay / 1e6:.1f} ms after the write")
        assert 0 < delay < 1_000_000_000
