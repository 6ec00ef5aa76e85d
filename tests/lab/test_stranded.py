# SPDX-License-Identifier: GPL-2.0-only
"""After the damage: what every command says of pages that Xen still holds as page tables."""
import re

import pytest

import lab

ORDERS = ("unmap", "quit")


def param(kernel, where):
    return pytest.param((kernel, where), id=f"{kernel}-{where}",
                        marks=pytest.mark.xdist_group(f"stranded-{kernel}-{where}"))


@pytest.fixture(params=[param(k, w) for k in [*lab.ENDS, *lab.PATCHED]
                        for w in ("dom0", "domU") if w == "dom0" or k in lab.ENDS])
def guest(request):
    kernel, where = request.param
    tools = [lab.ROOT / "build/victim", lab.injector(kernel)]
    result = lab.run_script("stranded.sh", kernel, *(["--domu"] if where == "domU" else []),
                            tools=[*lab.HOST_TOOLS[1:], *tools])
    result.dom0 = where == "dom0"
    return result


def injected(guest, upto):
    """Of all orders until this one: nobody mends such pages."""
    return {pfn for order in ORDERS[:ORDERS.index(upto) + 1]
            for pfn in re.findall(r"clear pfn=(0x[0-9a-f]+)", guest.text(f"{order}.log"))}


def judgement(guest):
    """Class and grade: Xen proves it, the direct map alone makes it suspect."""
    return "stranded", "proven" if guest.dom0 else "suspected"


@pytest.mark.parametrize("order", ORDERS)
def test_an_audit_finds_them(guest, order):
    *found, audit = guest.records(f"{order}-audit")
    truth = injected(guest, order)
    assert guest.status(f"{order}-audit") == 1 and len(truth) >= 3
    assert {f["pfn"] for f in found} == set(audit["stranded"]) == truth
    assert audit["lost"] == audit["stale"] == [] and audit["unknown"] == 0
    for f in found:
        assert (f["class"], f["grade"]) == judgement(guest) and f["effect"]
        assert f["witnesses"] == ["flag", "tree", "direct-map", *(["xen"] if guest.dom0 else [])]
        # Whose it was nobody knows any more: it is not the kernel's.
        assert (f["mm"], f["pid"], f["comm"]) == ("0x0", 0, "")
        assert f["level"] == (1 if guest.dom0 else 0)
    text = guest.text(f"{order}-text.out")
    assert text.startswith(f"{len(truth)} findings: ") and text.count("stranded, ") == len(truth)


@pytest.mark.parametrize("order", ORDERS)
def test_the_page_says_the_same(guest, order):
    finding, page = guest.records(f"{order}-page")
    assert guest.status(f"{order}-page") == guest.status(f"{order}-page-text") == 1
    assert (page["finding"], page["grade"]) == judgement(guest) == (finding["class"], finding["grade"])
    assert (page["flag"], page["in_tree"], page["direct_map"]) == ("clear", False, "read-only")
    assert not page["explained"]
    assert page["xen"] == ("L1 table, pinned" if guest.dom0 else "unknown")
    assert "no contradiction" not in guest.text(f"{order}-page-text.out")


@pytest.mark.parametrize("order", ORDERS)
def test_whatever_shares_the_audit_says_the_same(guest, order):
    of_class, grade = judgement(guest)
    truth = injected(guest, order)
    found = [r for r in guest.records(f"{order}-trace") if r["type"] == "finding"]
    assert guest.status(f"{order}-trace") == guest.status(f"{order}-top") == 1
    assert {f["pfn"] for f in found} == truth and {f["class"] for f in found} == {of_class}
    assert f"\n{len(truth)} findings at the last audit, {len(truth)} stranded" in \
        guest.text(f"{order}-top.out")
    assert f'xenpin_findings{{class="{of_class}",grade="{grade}"}} {len(truth)}\n' in \
        guest.text(f"{order}.prom")


def test_what_is_read_only_for_a_reason_is_no_finding(guest):
    """Modules are there, BPF programs, and two LDTs."""
    (audit,) = guest.records("sound")
    assert guest.status("sound") == 0 and audit["stranded"] == [] and audit["complete"]
    (page,) = guest.records("kernel-text")
    assert guest.status("kernel-text") == guest.status("kernel-text-text") == 0
    assert page["direct_map"] == "read-only" and page["explained"] and not page["finding"]
    text = guest.text("kernel-text-text.out")
    assert ": no contradiction\n" in text and "read-only, as are the kernel's image" in text
