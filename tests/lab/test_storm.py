# SPDX-License-Identifier: GPL-2.0-only
"""Audits of a guest whose page tables come and go: no finding that is none, none that is missed.

XENPIN_AUDITS="2000 500" says how many audits there are in each storm; `make soak` is that.
"""
import os
import re

import pytest

import lab

AUDITS = os.environ.get("XENPIN_AUDITS", "150 50")
FIRST, SECOND = map(int, AUDITS.split())
# XENPIN_THREADS=yes: CPUs run at once, which wants a machine with as many and nothing else to do.
THREADS = ["--threads"] if os.environ.get("XENPIN_THREADS") else []
SEEDS = range(11, 14)
TRIES = range(1, 3)


# Two CPUs on the oldest and the newest stock kernel; a soak takes all kernels, and four CPUs as well.
GUESTS = [(kernel, n) for kernel in [*lab.KERNELS, *lab.PATCHED] for n in (2, 4)] \
    if "XENPIN_AUDITS" in os.environ else [(kernel, 2) for kernel in lab.ENDS]


@pytest.fixture(params=[pytest.param(g, marks=pytest.mark.xdist_group(f"storm-{g[0]}-{g[1]}"),
                                     id=f"{g[0]}-{g[1]}") for g in GUESTS])
def guest(request):
    kernel, vcpus = request.param
    audits = lab.test_dir() / "audits"
    audits.write_text(AUDITS + "\n")
    tools = [lab.ROOT / "build/victim", lab.injector(kernel), f"{audits}:/root/audits"]
    return lab.run_script("storm.sh", kernel, *THREADS, "--vcpus", str(vcpus), "--dom0-mem", "2048",
                          tools=[*lab.HOST_TOOLS[1:], *tools])


def of(guest, name, kind):
    return [r for r in guest.records(name) if r["type"] == kind]


def judged(guest, name):
    """What audits of one run said: [tables of each], [unknown of those that could not judge all]."""
    audits = of(guest, name, "audit")
    unknown = [a["unknown"] for a in audits if a["unknown"] or not a["complete"]]
    assert of(guest, name, "finding") == []
    assert guest.status(name) == (5 if unknown else 0)
    return [tuple(a["tables"].values()) for a in audits], unknown


def test_no_false_finding_among_small_trees(guest):
    tables, unknown = judged(guest, "first")
    print(f"{len(tables)} audits, {len(unknown)} of them could not judge all: {unknown}")
    assert len(tables) == FIRST and len(unknown) < FIRST / 20
    # It was a storm: the tables were others each time.
    assert len(set(tables)) > FIRST / 10


def test_no_false_finding_among_large_trees(guest):
    runs = [judged(guest, f"second-{i}") for i in range(5, SECOND + 5, 5)]
    tables = [each for of_run, _ in runs for each in of_run]
    print(f"{len(tables)} audits, {sum(len(unknown) for _, unknown in runs)} of them could not judge all")
    assert len(tables) == 5 * len(runs) >= SECOND
    assert len(set(tables)) > SECOND / 10


def test_what_shares_the_audit_finds_nothing_either(guest):
    for i in TRIES:
        assert of(guest, f"trace-{i}", "finding") == [] and guest.status(f"trace-{i}") in (0, 5)
        assert guest.status(f"top-{i}") in (0, 5)
        assert re.search(r"^0 findings|incomplete", guest.text(f"top-{i}.out"), re.M)
        prom = guest.text(f"export-{i}.prom")
        found = re.findall(r"^xenpin_findings\{.*\} (\d+)$", prom, re.M)
        assert found and set(found) == {"0"}
        assert "xenpin_audit_timestamp_seconds 0\n" not in prom
    assert guest.text("export.err") == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_under_way_are_found(guest, seed):
    name = f"lost-{seed}"
    lines = re.findall(r"clear pfn=(0x[0-9a-f]+) level=(\d)", guest.text(name + ".log"))
    found = of(guest, name, "finding")
    assert len(lines) == 10 and guest.status(name) == 1
    assert {(f["pfn"], f["level"]) for f in found} == {(pfn, int(level)) for pfn, level in lines}
    assert {(f["class"], f["grade"]) for f in found} == {("lost", "proven")}
