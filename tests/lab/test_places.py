# SPDX-License-Identifier: GPL-2.0-only
"""Commands, filters, endings, and the places where xenpin cannot work."""
import re

import pytest

import lab


@pytest.fixture(params=lab.one_worker_each("places", kernels=lab.ENDS))
def seen(request):
    return lab.run_script("places.sh", request.param)


def body(records):
    """Without the first and the last line; what is in between is the trace."""
    assert records[0]["type"] == "start" and records[-1]["type"] == "end"
    return records[1:-1]


def test_features(seen):
    assert seen.status("features") == 0
    assert "Xen PV" in seen.text("features.out")
    (features,) = seen.records("features-json")
    assert features["domain"] == "dom0" and features["obstacle"] == ""
    # Where a task can be preempted in a tracepoint, those that can be are attached as perf's.
    vias = [h["via"] for h in features["probes"]]
    assert vias[:1] + vias[3:] == 4 * ["tp_btf"] + 2 * ["inferred"]
    assert vias[1] == vias[2] in ("tp", "tp_btf")
    ways = [w for h in features["probes"] if h["via"] != "inferred" for w in h["ways"]]
    unneeded = [w for w in ways if not w["works"]]
    assert [w["via"] for w in unneeded] == (2 * ["tp"] if vias[1] == "tp_btf" else [])
    assert len(ways) == 14
    assert all(w["reason"] == "nobody is preempted in a tracepoint here" for w in unneeded)
    assert all(w["reason"] == "" for w in ways if w["works"])
    absent = [w for h in features["probes"] if h["via"] == "inferred" for w in h["ways"]]
    assert len(absent) == 4 and all("inferred" in w["reason"] for w in absent)


def test_dry_run_attaches_nothing(seen):
    assert seen.status("dry-run") == 0
    assert len(re.findall("would attach via", seen.text("dry-run.out"))) == 6


def test_text(seen):
    assert seen.status("text") == 0
    text, summary = seen.text("text.out"), seen.text("text.err")
    assert re.search(r"forks +alloc +L1 pfn 0x[0-9a-f]+ mm 0x[0-9a-f]+", text)
    assert re.search(r"batch .* pin L4 pfn 0x[0-9a-f]+ mfn 0x[0-9a-f]+", text)
    assert re.search(r"\d+ records in [0-9.]+ s, 0 dropped, 0 missed", summary)
    assert re.search(r"flush +tp_btf +[1-9]\d* +0 +0", summary)


def test_stack(seen):
    assert seen.status("stack") == 0
    records = body(seen.records("stack"))
    releases = [r for r in records if r.get("what") == "release" and r["comm"] == "forks"]
    pins = [r for r in records if r["type"] == "batch" and r["comm"] == "forks"]
    assert releases and pins
    assert any("exit_mmap+" in frame for r in releases for frame in r["stack"])
    assert any("xen_mc_flush" in frame for r in pins for frame in r["stack"])
    assert not any("bpf_" in frame for r in records for frame in r["stack"])
    assert "exit_mmap+" in seen.text("stack-text.out")


def test_count_and_duration(seen):
    assert len(body(seen.records("count"))) == 5
    assert seen.status("duration") == 0
    elapsed = seen.records("duration")[-1]["elapsed_ns"]
    assert 0.3e9 <= elapsed < 2e9


def test_status_is_the_traces_own(seen):
    assert seen.status("status-of-cmd") == 0
    assert "sh exited with 3" in seen.text("status-of-cmd.err")


def test_filters(seen):
    def all_of(name):
        records = body(seen.records(name))
        assert records, name
        return records

    assert {r["comm"] for r in all_of("filter-comm")} == {"forks"}
    assert {(r["type"], r["level"]) for r in all_of("filter-level")} == {("table", 2)}
    assert {(r["type"], r["what"]) for r in all_of("filter-op")} == {("mm", "pin")}
    assert {(r["type"], r["what"]) for r in all_of("filter-set")} == {("flag", "set")}
    # The model gets the unpins, too; who asked for pins does not.
    both = all_of("filter-pin-set")
    assert {(r["type"], r.get("what")) for r in both} == {("batch", None), ("flag", "set")}
    assert {op["op"] for r in both if r["type"] == "batch" for op in r["ops"]} == {"pin"}
    assert body(seen.records("filter-pid")) == []
    assert seen.records("filter-pid")[-1]["delivered"] == 0
    assert len({r["pid"] for r in all_of("filter-own-pid")}) == 1
    off = {h["name"] for h in seen.records("filter-op")[0]["probes"] if h["via"] == "off"}
    assert off == {"flush", "alloc", "release", "pgd_unpin", "refused"}


def test_filter_by_mm_and_frame(seen):
    mm, pfn = seen.text("found").split()
    for r in body(seen.records("filter-mm")):
        assert r.get("mm", mm) in (mm, "0x0")
    for r in body(seen.records("filter-pfn")):
        frames = {r["pfn"]} if "pfn" in r else {op["pfn"] for op in r.get("ops", [])}
        assert frames <= {pfn} or r["type"] == "mm"


@pytest.mark.parametrize("signal", ["INT", "TERM", "HUP"])
def test_signals_end_in_order(seen, signal):
    assert seen.status(f"signal-{signal}") == 0
    records = seen.records(f"signal-{signal}")
    assert records[-1]["type"] == "end" and records[-1]["delivered"] > 0


def test_capabilities_are_dropped(seen):
    status = seen.text("privileges.status")
    for which in "CapPrm", "CapEff", "CapInh", "CapAmb":
        assert re.search(rf"{which}:\s+0000000000000000", status), which
    assert re.search(r"NoNewPrivs:\s+1", status)


def test_cmd_keeps_its_capabilities(seen):
    assert seen.status("cmd-privileges") == 0
    assert not re.search(r"CapEff:\s+0000000000000000", seen.text("cmd-privileges.out"))
    assert "CapEff:" in seen.text("cmd-privileges.out")


PLACES = {
    # name: exit status, and what the sentence must name
    "no-capabilities": (3, "missing CAP_BPF CAP_PERFMON CAP_SYSLOG"),
    "one-missing": (3, "missing CAP_PERFMON;"),
    "no-btf": (3, "CONFIG_DEBUG_INFO_BTF"),
    "hvm": (3, "this is a Xen HVM guest"),
    "ready-file": (2, "--ready-file: cannot create '/no/such/directory/file'"),
    "no-cmd": (2, "cannot run 'no-such-command': No such file"),
    "not-executable": (2, "cannot run '/etc/passwd': Permission denied"),
    "cmd-is-directory": (2, "cannot run '/etc': Permission denied"),
    "full": (5, "No space left on device"),
    "closed": (2, "stdout is closed"),
}


@pytest.mark.parametrize("place", PLACES)
def test_bad_places(seen, place):
    status, sentence = PLACES[place]
    assert seen.status(place) == status
    said = seen.text(place + ".err")
    assert sentence in said
    if place != "full":		# which ends with its summary
        assert len(said.splitlines()) == 1, said


def test_missing_probes(seen):
    runs = [(seen.status(f"files-{n}"), seen.text(f"files-{n}.err")) for n in (15, 20, *range(23, 35))]
    status = [s for s, _ in runs]
    assert status == sorted(status, key=[4, 5, 0].index) and set(status) == {4, 5, 0}
    assert any("no way to attach the probe " in said for s, said in runs if s == 4)
    # As the kernel's errors are called, or since libbpf 1.6 as their constants are.
    assert all(re.search("Too many open files|EMFILE", said) for s, said in runs if s == 4)
    assert all("is missing, so coverage is partial: " in said for s, said in runs if s == 5)


def test_capabilities_are_enough_without_root(seen):
    assert seen.status("not-root") == 0
    assert seen.records("not-root")[-1]["delivered"] > 0


def test_three_capabilities_are_enough(seen):
    """On 6.1 libbpf would list the BTFs of modules, for which it takes CAP_SYS_ADMIN."""
    for command in ("audit", "trace", "top"):
        assert seen.status(f"not-root-{command}") == 0, seen.text(f"not-root-{command}.err")
    # Of a page that is no page table, or one: what the witnesses say, not that they are missing.
    assert seen.status("not-root-page") == 0
    assert seen.text("not-root-audit.out").startswith("clean: ")
    assert "/dev/xen/privcmd: Permission denied" in seen.text("not-root-audit.err")


REMEDY = "`sysctl -w kernel.kptr_restrict=1`"


def test_hidden_symbols_make_no_finding(seen):
    """With kptr_restrict=2 frames are translated all the same, so nothing contradicts itself."""
    for run in "trace", "not-root":
        assert seen.status(f"hidden-{run}") == 0, seen.text(f"hidden-{run}.err")
        records = body(seen.records(f"hidden-{run}"))
        ops = [op for r in records if r["type"] == "batch" for op in r["ops"]]
        assert len(ops) > 50 and all(op["pfn"] for op in ops)
        tables = [r for r in records if r["type"] == "table"]
        assert len(tables) > 50 and all(r["flag"] is not None for r in tables)
        assert {r["pfn"] for r in tables if r["level"] == 1} & {op["pfn"] for op in ops}
    assert seen.status("hidden-record") == 0
    assert " 0 findings; " in seen.text("hidden-record.err")


def test_hidden_symbols_are_named(seen):
    (features,) = seen.records("hidden-features-json")
    assert REMEDY in features["hidden_symbols"] and features["obstacle"] == ""
    assert REMEDY in seen.text("hidden-features.out")
    assert seen.records("features-json")[0]["hidden_symbols"] == ""
    for run in "audit", "page", "findings", "export":
        assert seen.status(f"hidden-{run}") == 3, run
        assert REMEDY in seen.text(f"hidden-{run}.err"), run
    assert seen.status("hidden-top") == 5 and REMEDY in seen.text("hidden-top.err")
    assert seen.status("hidden-stack") == 0 and REMEDY in seen.text("hidden-stack.err")


def test_a_closed_pipe_ends_it_quietly(seen):
    assert seen.status("pipe") == 0
    assert seen.text("pipe.err") == ""


def test_nothing_is_left_attached(seen):
    lefts = sorted(seen.directory.glob("*.left"))
    assert len(lefts) > 35
    assert {p.name for p in lefts if p.read_text()} == set()
