# SPDX-License-Identifier: GPL-2.0-only
"""Flags that are lost before a process ends: told before the kernel writes to such a table."""
import json
import re

import pytest

import lab

KERNELS = [*lab.ENDS, *lab.PATCHED]


@pytest.fixture(params=lab.one_worker_each("upper", kernels=KERNELS))
def guest(request):
    tools = [*lab.HOST_TOOLS[1:], lab.ROOT / "build/victim", lab.injector(request.param)]
    return lab.run_script("upper.sh", request.param, tools=tools)


def lost(guest, level):
    return set(re.findall(r"clear pfn=(0x[0-9a-f]+)", guest.text(f"lost-{level}.log")))


def test_healthy_tables_are_not_read_only(guest):
    assert guest.status("healthy") in (0, 5)
    tables = [r for r in guest.records("healthy") if r["type"] in ("table", "flag")]
    assert len([r for r in tables if r.get("what") == "release" and r["flag"] is False]) > 100
    assert not any(r["read_only"] for r in tables)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_each_is_told(guest, level):
    """An L1 table when it is released, an upper one before its tree is unpinned."""
    pfns = lost(guest, level)
    assert pfns
    assert guest.status(f"found-{level}") == 1 and guest.status(f"recorded-{level}") == 1
    live = [r for r in guest.records(f"found-{level}") if r["type"] == "finding"]
    assert guest.status(f"report-{level}") == 1
    recorded = json.loads(guest.text(f"report-{level}.out"))["findings"]
    for findings in live, recorded:
        # L1 pages that were given back as they are stay so, for the audits that follow.
        assert {f["pfn"] for f in findings if f["class"] == "stranded"} <= lost(guest, 1)
        findings = [f for f in findings if f["class"] != "stranded"]
        assert {f["pfn"] for f in findings} == pfns
        assert {f["level"] for f in findings} == {level}
        assert {(f["class"], f["grade"]) for f in findings} == \
            {("released-pinned" if level == 1 else "lost", "proven")}
        assert all("direct-map" in f["witnesses"] for f in findings)
        assert {f["comm"] for f in findings} == {"victim"}


@pytest.mark.parametrize("when", ["before", "between", "end"])
def test_audits_tell_what_no_record_does(guest, when):
    """At the begin, while it lasts, and at the end: once, of the very page."""
    assert guest.status(f"audited-{when}") == 1, guest.text(f"audited-{when}.err")
    findings = json.loads(guest.text(f"{when}-report.out"))["findings"]
    assert [f["pfn"] for f in findings] == re.findall(r"clear pfn=(0x[0-9a-f]+)", guest.text(f"{when}.log"))
    assert [(f["class"], f["grade"]) for f in findings] == [("lost", "proven")]


def test_a_trace_with_audits_tells_it_too(guest):
    assert guest.status("traced-between") == 1
    findings = [r["pfn"] for r in guest.records("traced-between") if r["type"] == "finding"]
    assert findings == re.findall(r"clear pfn=(0x[0-9a-f]+)", guest.text("between.log"))


def test_audits_of_a_healthy_guest_find_nothing(guest):
    assert guest.status("audited-clean") in (0, 5)
    assert " 0 findings" in guest.text("audited-clean.err")


@pytest.mark.parametrize("level", [2, 3])
def test_and_the_kernel_did_die_of_it(guest, level):
    assert "Oops: 0003" in guest.text(f"dmesg-{level}")
    assert re.search(r"RIP: e030:xen_set_p[mu]d", guest.text(f"dmesg-{level}"))
