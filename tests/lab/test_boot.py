# SPDX-License-Identifier: GPL-2.0-only
"""xenpin boot: six boots that differ in when flags are set and in whether init is deferred."""
import collections
import functools
import json
import re
import subprocess

import pytest

import lab

XENPIN = lab.ROOT / "build/xenpin"
MODES = ["hook", "early", "repair"]
JIFFY_NS = 4_000_000
PAGE_OFFSET = 0xffff888000000000
TOOLS = ["/usr/sbin/bpftool", "/usr/bin/setpriv"]


def on(kernels, names="kernel", rows=lambda kernel: [()]):
    """
    On each of these kernels, with what ROWS has for it; the mark says so where there is none, too.  All
    of one kernel in one group: a 10 GiB guest at a time is enough for any machine.
    """
    params = [pytest.param(k, *row, marks=pytest.mark.xdist_group(f"boot-{k}")) for k in kernels for row in rows(k)]
    return lambda test: pytest.mark.patched(pytest.mark.parametrize(names, params)(test))


patched = on(lab.PATCHED)
each = on(lab.SERIES)
# One large guest will do, of the kernel that is most used in such.
large = on([k for k in lab.SERIES if k == "patched-6.12"] or lab.PATCHED)


def deferrals(kernel):
    """Without it nothing is lost: one kernel of the series shows that, XENPIN_THOROUGH=yes all."""
    return ("on", "off") if kernel in lab.PATCHED else ("on",)


surviving = on(lab.SERIES, "kernel, mode, deferral", lambda kernel: [
    (mode, deferral) for mode in MODES for deferral in deferrals(kernel)
    if (mode, deferral) != ("early", "on")])


def append(mode, deferral):
    return f"xenpin.early=1 xenpin.pinned={mode}" + (" early_page_ext" if deferral == "off" else "")


class Boot:
    """One of the five boots that survive, with what xenpin said in it."""

    def __init__(self, result):
        self.files = result
        (self.account,) = result.records("account")
        (self.verify,) = result.records("verify")
        lines = [json.loads(line) for line in result.text("live.out").splitlines()]
        self.records = [r for r in lines if r["type"] == "record"]
        check_sample(lines)
        self.until = {stage: next((r["seq"] for r in self.records if r["kind"] == stage), None)
                      for stage in ("handover-begin", "hook-end", "deferred-begin", "takeover")}


def check_sample(lines):
    """The schema of some of each kind: of all it would take minutes."""
    seen = collections.Counter()
    for line in lines:
        kind = line.get("kind", line["type"])
        seen[kind] += 1
        if seen[kind] <= 20:
            lab.parse(json.dumps(line))


@functools.cache
def boot(kernel, mode, deferral):
    return Boot(lab.run_script("boot.sh", kernel, "--icount", "--dom0-mem", "10240", "--append",
                               append(mode, deferral), tools=TOOLS))


def replay(records, before):
    """An implementation of its own: (tables, flagged) as of the record numbered @before."""
    made, flagged = {}, {}
    for r in records:
        if r["seq"] > before:
            break
        if r["kind"] in ("batch", "unbatched"):
            for op in r["ops"]:
                if op["result"] == 0 and op["op"] == "pin":
                    made[op["pfn"]] = op["level"]
                elif op["result"] == 0:
                    made.pop(op["pfn"], None)
        elif r["kind"] == "table-run":
            made.update((hex(int(r["pfn"], 16) + i), 1) for i in range(r["pages"]))
        elif r["kind"] == "alloc" and r["pinned"]:
            made[r["pfn"]] = r["level"]
        elif r["kind"] == "release":
            made.pop(r["pfn"], None)
        elif r["kind"] in ("flag-set", "repaired"):
            flagged[r["pfn"]] = r["level"]
        elif r["kind"] in ("flag-clear", "erased"):
            flagged.pop(r["pfn"], None)
    return made, flagged


# 1. Six boots.

@each
def test_hook_erases_nothing_and_marks_every_boot_page_table(kernel):
    for deferral in deferrals(kernel):
        b = boot(kernel, "hook", deferral)
        made, flagged = replay(b.records, b.until["hook-end"])
        assert b.account["erased"] == [] and b.files.status("account") == 0
        assert b.account["hook"]["marked"] == b.account["hook"]["set"] == len(flagged) > 5000
        # One page table is in no tree: p2m_missing_pte, which xen_rebuild_p2m_list() makes
        # first of all, for holes of the p2m list that this guest does not have. Before that the kernel has one
        # function for L2 and L3 tables, which does not know which of them it makes.
        (missing,) = made.keys() - flagged.keys()
        last_unbatched = max(r["seq"] for r in b.records if r["kind"] in ("unbatched", "table-run"))
        first = next(r for r in b.records if r["seq"] > last_unbatched and r["kind"] == "alloc" and r["level"])
        assert (first["pfn"], first["level"]) == (missing, 1)
        assert b.account["end"]["bare"] == 1


@each
def test_early_with_deferral_dies_of_the_page_that_was_erased(kernel, tmp_path):
    status = lab.xenlab(tmp_path, ["--kernel", kernel, "--icount", "--dom0-mem", "10240",
                                   "--timeout", "900", "--append", append("early", "on")], ["true"])
    console = (tmp_path / "console.log").read_text()
    assert status == 125, (tmp_path / "xenlab.log").read_text()
    (address,) = set(re.findall(r"unable to handle page fault for address: ([0-9a-f]+)", console))
    assert "#PF: error_code(0x0003) - permissions violation" in console
    run = subprocess.run([XENPIN, "boot", "--json", "--console", tmp_path / "console.log"],
                         capture_output=True, text=True)
    (account,) = lab.parse(run.stdout)
    (dead,) = account["boots"]
    fault = dead["oopses"][0]
    assert run.returncode == 1
    assert fault["address"] == "0x" + address and fault["rip"].startswith("xen_set_")
    assert int(fault["pfn"], 16) == (int(address, 16) - PAGE_OFFSET) >> 12
    assert fault["erased"] is True and fault["flag"] is False
    assert dead["history"][-1]["kind"] == "erased"
    assert fault["pfn"] in account["text"] and f"L{fault['level']} page table" in account["text"]
    cut_anywhere(tmp_path / "console.log", fault["pfn"])


def cut_anywhere(console, pfn):
    """A console cut in the middle of a line: a sentence, and what the lines that are left show."""
    text = console.read_bytes()
    begin = text.index(b"xenpin: erased total")
    fault = text.index(b"xenpin: fault")
    grades = [(begin + 15, "lost-flag", "likely"), (begin + 500, "erased", "likely")]
    grades += [(at, "erased", "shown") for at in (fault - 3, fault + 40, fault + 300, len(text) - 7)]
    for at, verdict, grade in grades:
        console.with_name("cut").write_bytes(text[:at])
        run = subprocess.run([XENPIN, "boot", "--json", "--console", console.with_name("cut")],
                             capture_output=True, text=True)
        (account,) = lab.parse(run.stdout)
        assert run.returncode == 1 and run.stderr == ""
        assert (account["verdict"]["class"], account["verdict"]["grade"]) == (verdict, grade), at
        assert (pfn in account["text"]) == (at != begin + 500), (at, account["text"])
    console.with_name("cut").write_bytes(b"")
    run = subprocess.run([XENPIN, "boot", "--console", console.with_name("cut")],
                         capture_output=True, text=True)
    assert run.returncode == 2 and run.stdout == "" and "it is no console" in run.stderr


@each
def test_repair_repairs_what_was_in_the_deferred_range(kernel):
    b = boot(kernel, "repair", "on")
    (node,) = b.account["nodes"]
    erased = {e["pfn"] for e in b.account["erased"]}
    _, flagged = replay(b.records, b.until["handover-begin"])
    above = {pfn for pfn in flagged if int(pfn, 16) >= int(node["first_pfn"], 16)}
    assert b.files.status("account") == 0
    assert erased == above and len(erased) == len(b.account["erased"]) > 5000
    assert b.account["hook"]["set"] == b.account["hook"]["marked_deferred"] == len(erased)
    assert all(e["repaired"] and e["where"] == "handover" for e in b.account["erased"])
    assert b.account["end"]["unrepaired"] == 0
    assert f"xenpin: repaired={len(erased)}\n" in b.files.text("dmesg")


@patched
@pytest.mark.parametrize("mode", MODES)
def test_without_deferral_nothing_is_erased(kernel, mode):
    account = boot(kernel, mode, "off").account
    assert account["erased"] == [] and account["nodes"] == []
    assert account["deferred_ns"] == 0 and account["saved_ns"] is None
    assert account["pinned"] == mode and account["incomplete"] == []


# 2. No gap.

@surviving
def test_no_number_is_missing(kernel, mode, deferral):
    b = boot(kernel, mode, deferral)
    assert b.files.status("live") == 0 and b.files.text("live.err") == ""
    expected = 1
    for r in b.records:
        assert r["seq"] == expected, r
        expected += r["slots"]
    # The log, then the early ring, then life.
    takeover = b.until["takeover"]
    assert b.records[0]["seq"] == 1 < takeover
    assert sum(r["seq"] < takeover for r in b.records) > 5000
    # The direct map's tables are few records.
    runs = [r["pages"] for r in b.records if r["kind"] == "table-run"]
    assert sum(runs) > 5000 and len(runs) < 100 and max(runs) <= 512
    forks = [r for r in b.records if r["comm"] == "forks"]
    assert sum(r["kind"] == "mm-pin" for r in forks) >= 31
    times = [r["t"] for r in b.records]
    assert times == sorted(times)		# of one CPU
    if deferral == "on":
        begin = next(r for r in b.records if r["kind"] == "deferred-begin")
        first = next(r for r in b.records if r["kind"] == "takeover")
        assert first["seq"] < begin["seq"] and first["t"] < begin["t"]


# 3. Frame by frame.

@surviving
def test_frame_by_frame(kernel, mode, deferral):
    b = boot(kernel, mode, deferral)
    xen = b.verify["xen"]
    assert xen["frames"] == 10240 * 256
    assert xen["pinned"] > 5000 and xen["tables"]["L4"] > 0
    assert xen["differing"] == 0 and xen["differences"] == [], xen
    assert b.files.status("verify") == 0
    # Nothing that the tool adds up: the same from the records, by the other implementation.
    made, flagged = replay(b.records, b.verify["slots"])
    assert len(made.keys() | flagged.keys()) == sum(xen["tables"].values())


# A recording of it.

@surviving
def test_the_report_of_a_recording_has_the_same_account(kernel, mode, deferral):
    """Whatever `xenpin boot` said before; only the early ring has gone on since."""
    b = boot(kernel, mode, deferral)
    said = json.loads(b.files.text("report-json.out"))
    goes_on = {"records", "slots", "end"}
    assert {k: v for k, v in said["boot"].items() if k not in goes_on} == \
        {k: v for k, v in b.account.items() if k not in goes_on}
    assert said["boot"]["slots"] > b.account["slots"]
    assert said["boot"]["end"]["unrepaired"] == 0 and said["boot"]["end"]["flagged"] > 5000
    # And of the life after it the same as the trace beside it: nothing wrong.
    assert b.files.status("trace") == b.files.status("record") == b.files.status("report") == 0
    records = [json.loads(line) for line in b.files.text("trace.out").splitlines()]
    assert said["findings"] == [] and records[-1]["findings"] == 0
    (program,) = [p for p in said["programs"] if p["comm"] == "forks"]
    mine = [r for r in records if r.get("comm") == "forks"]
    assert program["trees"] == sum(r["type"] == "mm" and r["what"] == "pin" for r in mine) >= 17
    assert program["pins"] == sum(o["op"] == "pin" for r in mine if r["type"] == "batch" for o in r["ops"])
    text = b.files.text("report.out")
    erased = len(b.account["erased"])
    assert text.startswith("Clean: ") and b.files.text("text.out").split("\n\n")[1].split("  at the end")[0] in text
    assert (f"erased the flag of {erased} page tables, and the after-bootmem hook set each again"
            in text) == bool(erased)


@surviving
def test_export_and_top_tell_of_the_boot(kernel, mode, deferral):
    b = boot(kernel, mode, deferral)
    figures = dict(line.rsplit(" ", 1) for line in b.files.text("xenpin.prom").splitlines()
                   if line.startswith("xenpin_boot_"))
    a, erased = b.account, len(b.account["erased"])
    assert float(figures.pop("xenpin_boot_deferred_seconds")) == pytest.approx(a["deferred_ns"] / 1e9)
    saved = figures.pop("xenpin_boot_deferred_saved_seconds", None)
    assert (saved is None) == (a["saved_ns"] is None)
    assert saved is None or float(saved) == pytest.approx(a["saved_ns"] / 1e9, abs=1e-6)
    assert figures == {"xenpin_boot_complete": "1", "xenpin_boot_deferred_pages": str(a["deferred_pages"]),
                       "xenpin_boot_erased_flags": str(erased), "xenpin_boot_unrepaired_flags": "0"}
    assert f", {a['deferred_pages']} of them, and erased {erased} flags, 0 for good\n" in b.files.text("top.out")


# 4. Times.

@each
@pytest.mark.parametrize("mode", ["hook", "repair"])
def test_the_deferred_stage_takes_what_the_kernel_says(kernel, mode):
    b = boot(kernel, mode, "on")
    (ms,) = re.findall(r"node 0 deferred pages initialised in (\d+)ms", b.files.text("dmesg"))
    (node,) = b.account["nodes"]
    assert node["ns"] == b.account["deferred_ns"]
    assert abs(node["ns"] - int(ms) * 1_000_000) <= JIFFY_NS
    assert node["pages"] == b.account["deferred_pages"] > 1_500_000
    assert node["bytes_per_s"] == pytest.approx(node["pages"] * 4096e9 / node["ns"], rel=1e-6)
    assert node["threads"] == 1


def price(account):
    """Of a page in the early phase: its struct page, and its way to the allocator."""
    return (account["memmap_ns"] / account["memmap_pages"]
            + account["free_ns"] / account["free_pages"])


@patched
def test_what_deferral_saves(kernel, tmp_path):
    on, off = boot(kernel, "hook", "on"), boot(kernel, "hook", "off")
    a = on.account
    assert a["saved_ns"] == pytest.approx(a["deferred_pages"] * price(a) - a["deferred_ns"], abs=10)
    assert a["reserved_ns"] + a["free_ns"] == a["handover_ns"]
    # What a page costs early depends little on how many there are: 181 and 163 ns measured.
    assert price(a) == pytest.approx(price(off.account), rel=0.15)
    files = [on.files.directory / "account.out", off.files.directory / "account.out"]
    run = subprocess.run([XENPIN, "boot", "--compare", *files, "--json"], capture_output=True,
                         text=True)
    (comparison,) = lab.parse(run.stdout)
    assert run.returncode == 0 and run.stderr == ""
    difference = off.account["boot_ns"] - a["boot_ns"]
    assert abs(difference - a["saved_ns"]) <= a["saved_error_ns"]
    assert comparison["difference_ns"] == difference
    assert comparison["a"] == a and comparison["b"] == off.account
    text = subprocess.run([XENPIN, "boot", "--compare", *files], capture_output=True, text=True)
    how = "faster" if difference > 0 else "slower"
    assert f"{abs(difference) / 1e6:.3f} ms {how}" in text.stdout


# 6. Logs that are too small, cut or damaged.

@patched
def test_a_log_that_is_too_small_says_by_how_much(kernel):
    small = lab.run_script("boot-small.sh", kernel, "--append", "xenpin.log_size=64K", tools=TOOLS)
    (account,) = small.records("account")
    assert small.status("account") == small.status("text") == 5
    assert account["dropped"] > 0
    (sentence,) = [s for s in account["incomplete"] if "too small" in s]
    assert f"{account['dropped']} records were dropped from slot " in sentence
    assert sentence in small.text("text.out")
    # Stages have room of their own, and what the records do not prove is not said.
    assert account["hook"]["set"] > 500 and account["handover_ns"] > 0 and account["deferred_ns"] > 0
    assert account["erased"] == [] and account["end"]["unrepaired"] == 0
    assert {account["end"][k] for k in ("tables", "pinned", "flagged", "bare")} == {None}
    assert "how many have the flag, is not known" in small.text("text.out")
    assert "not seen" not in small.text("text.out")
    ample = lab.run_script("boot-small.sh", kernel, tools=TOOLS)
    (whole,) = ample.records("account")
    assert ample.status("account") == 0 and whole["dropped"] == 0
    # What it holds and what it lost is what there was: as far as two boots are alike.
    assert account["records"] + account["dropped"] == pytest.approx(whole["records"], rel=0.02)


@patched
def test_a_log_that_is_off_leaves_nothing(kernel):
    """As on a kernel that is built without the lab's default, and gets no parameter."""
    off = lab.run_script("boot-small.sh", kernel, "--append", "xenpin.log=0", tools=TOOLS)
    (account,) = off.records("account")
    assert off.status("account") == 5 and account["exact"] is False and account["records"] == 0
    assert "the boot log is off (xenpin.log=1 on the command line switches it on)" in off.text("text.out")
    assert (off.directory / "boot_log").stat().st_size == 640
    assert "xenpin:" not in off.text("dmesg")
    assert account["counted"] is None and account["end"]["unrepaired"] is None
    assert "erased     unknown: nobody counted" in off.text("text.out")


@patched
def test_what_the_kernel_counts_without_a_log(kernel):
    """Flags are tracked because they are set early; the early ring is there alone."""
    off = lab.run_script("boot-small.sh", kernel, "--dom0-mem", "4096", "--append",
                         "xenpin.log=0 xenpin.early=1 xenpin.pinned=repair", tools=TOOLS)
    (account,) = off.records("account")
    counted = int(re.search(r"xenpin: repaired=(\d+)", off.text("dmesg"))[1])
    assert counted > 0
    assert account["counted"] == {"erased": counted, "repaired": counted, "untracked": 0}
    assert account["pinned"] == "repair" and account["end"]["unrepaired"] == 0
    assert account["hook"]["marked_deferred"] == counted and off.status("account") == 5
    assert f"{counted} flags by struct-page init, {counted} repaired, by the kernel's count" in off.text("text.out")
    assert "a kernel with xenpin's series" not in off.text("text.out")
    assert off.status("verify") == 3 and "without a boot log (xenpin.log=1) nobody knows" in off.text("verify.err")
    assert account["records"] > 0			# of the ring
    (lost,) = off.records("lost")
    assert off.status("lost") == off.status("lost-text") == 1
    assert lost["counted"]["repaired"] == 0 and lost["end"]["unrepaired"] == counted
    assert f"{counted} flags by struct-page init, 0 repaired, by the kernel's count: the others are lost" \
        in off.text("lost-text.out")


@patched
def test_a_log_that_was_given_back(kernel):
    ample = lab.run_script("boot-small.sh", kernel, tools=TOOLS)
    (whole,), (released,) = ample.records("account"), ample.records("released")
    assert whole["counted"] == released["counted"] is not None
    assert released["hook"]["marked"] == whole["hook"]["marked"] > 0
    assert ample.status("released") == 5 and "was given back" in ample.text("released-text.out")


@patched
def test_parameters_that_say_nothing(kernel):
    """Each is told, and none has an effect."""
    odd = lab.run_script("boot-small.sh", kernel, "--append", "xenpin.log=16M xenpin.log_size=64Q "
                         "xenpin.log_size=18446744073709551615 xenpin.early=1 xenpin.early=0", tools=TOOLS)
    (account,), said = odd.records("account"), odd.text("dmesg")
    assert "xenpin: log=16M: neither on nor off" in said
    assert "xenpin: log_size=64Q: no size" in said
    assert re.search(r"xenpin: log_size=\d+: more than 1/16 of memory", said)
    assert account["exact"] and account["dropped"] == 0 and odd.status("account") == 0
    assert odd.status("verify") == 3 and "there is no early ring" in odd.text("verify.err")


@patched
def test_a_log_cut_or_damaged_anywhere(kernel, tmp_path):
    log = (boot(kernel, "repair", "on").files.directory / "boot_log").read_bytes()
    copy = tmp_path / "log"

    def account_of(data):
        copy.write_bytes(data)
        run = subprocess.run([XENPIN, "boot", "--json", "--log", copy], capture_output=True,
                             text=True)
        return run.returncode, run.stderr, lab.parse(run.stdout)

    status, _, (whole,) = account_of(log)
    assert status == 5 and len(whole["erased"]) > 5000
    assert "early ring, which continues the boot log, is not in its file" in whole["incomplete"][0]
    for size in (0, 3, 639):
        status, said, accounts = account_of(log[:size])
        assert status == 2 and not accounts and "boot log" in said
    for size in (640, 641, 5000, len(log) - 1):
        status, _, (account,) = account_of(log[:size])
        assert status == 5 and "cut short" in account["incomplete"][0]
        assert account["records"] < whole["records"]
    middle = 640 + len(log) // 128 * 64
    status, _, (account,) = account_of(log[:middle] + bytes(64) + log[middle + 64:])
    assert status == 5 and "is damaged" in account["incomplete"][0]
    assert whole["records"] / 3 < account["records"] < whole["records"]


# Two CPUs, and life after boot.

@patched
def test_two_cpus_and_a_ring_that_wraps(kernel):
    smp = lab.run_script("boot-smp.sh", kernel, "--dom0-mem", "3072", "--append", "xenpin.early=1",
                         tools=TOOLS)
    (storm,) = smp.records("storm")
    assert storm["records"] > 1 << 17 and storm["incomplete"] == [] and storm["dropped"] == 0
    assert storm["xen"]["differing"] == 0 and smp.status("storm") == 0, storm["xen"]
    (after,) = smp.records("after")
    assert smp.status("after") == 5
    assert any("an earlier reader took the first" in s for s in after["incomplete"])
    assert "no comparison with Xen: records are missing" in after["incomplete"]
    assert after["xen"] is None


@patched
@pytest.mark.parametrize("name, status, sentence", [
    ("duration", 5, ""),
    ("status-of-cmd", 5, "sh exited with 3"),
    ("no-cmd", 2, "cannot run 'no-such-command': No such file or directory"),
    ("not-root", 3, "/sys/kernel/xenpin/boot_log: Permission denied; run it as root"),
    ("no-admin", 5, ""),
    ("full", 5, "could not be written: No space left on device"),
    ("pipe", 5, ""),
    ("signal", 5, ""),
    ("gone", 5, ""),
])
def test_places(kernel, name, status, sentence):
    """All but the first come after the storm, when the ring has lost its beginning: hence 5."""
    smp = lab.run_script("boot-smp.sh", kernel, "--dom0-mem", "3072", "--append", "xenpin.early=1",
                         tools=TOOLS)
    assert smp.status(name) == status
    said = smp.text(name + ".err")
    assert sentence in said and (sentence or not said)
    if name == "status-of-cmd":
        effective = int(re.search(r"CapEff:\s*([0-9a-f]+)", smp.text(name + ".out"))[1], 16)
        assert effective >> 21 & 1		# CMD runs with what the user has
    if name == "signal":
        assert json.loads(smp.text("signal.out").splitlines()[-1])["type"] == "boot"
    if name in ("no-admin", "gone"):
        (account,) = smp.records(name)
        assert any({"no-admin": "needs CAP_SYS_ADMIN", "gone": "is gone"}[name] in s
                   for s in account["incomplete"])


@patched
def test_a_recording_says_what_it_lacks_of_the_boot(kernel):
    smp = lab.run_script("boot-smp.sh", kernel, "--dom0-mem", "3072", "--append", "xenpin.early=1",
                         tools=TOOLS)
    gap = ("the early ring, which continues the boot log, cannot be read: looking for BPF maps by name "
           "needs CAP_SYS_ADMIN")
    assert smp.status("record-no-admin") == 0 and f"of this boot: {gap}" in smp.text("record-no-admin.err")
    assert smp.status("report-no-admin") == 5
    assert smp.text("report-no-admin.out").startswith(f"Nothing was found, but that proves nothing: {gap}.")


# Kernels as they are.

@pytest.mark.parametrize("kernel", lab.one_worker_each("boot-stock", kernels=lab.KERNELS[:1]))
def test_a_stock_kernel_says_what_it_can(kernel):
    stock = lab.run_script("boot-stock.sh", kernel, "--dom0-mem", "7168", "--append",
                           "trace_event=xen:xen_mmu_alloc_ptpage,xen:xen_mmu_release_ptpage "
                           "trace_buf_size=4M", tools=TOOLS)
    (account,) = stock.records("account")
    (ms,) = re.findall(r"node 0 deferred pages initialised in (\d+)ms", stock.text("dmesg"))
    assert stock.status("account") == 5 and account["exact"] is False
    assert account["resolution_ns"] == JIFFY_NS
    assert account["nodes"][0]["ns"] == account["deferred_ns"] == int(ms) * 1_000_000
    assert account["erased"] is None and account["hook"]["ns"] is None
    (run,) = re.findall(r"\[ *(\d+\.\d+)\] Run /init as init process", stock.text("dmesg"))
    assert account["boot_ns"] == int(run.replace(".", "")) * 1000
    assert account["ftrace"]["allocs"] == len(
        [line for line in stock.text("ring").splitlines() if "xen_mmu_alloc_ptpage:" in line
         and float(re.search(r" (\d+\.\d+): ", line)[1]) <= float(run)])
    assert "a kernel with xenpin's series (kernel/README.md)" in stock.text("text.out")
    assert stock.status("verify") == 3 and "xenpin.early=1" in stock.text("verify.err")


# 7. As large as the machines for which deferral exists.

@large
def test_a_guest_of_128_gib_tells_all_of_its_boot(kernel):
    """Each of 65,000 flags that were erased, with nothing missing; and what the log cost."""
    big = lab.run_script("boot-big.sh", kernel, "--dom0-mem", "131072", "--append",
                         "xenpin.early=1 xenpin.pinned=repair", tools=TOOLS)
    (account,) = big.records("verify")
    assert account["incomplete"] == [] and big.status("verify") == 0, account["incomplete"]
    counted = int(re.search(r"xenpin: repaired=(\d+)", big.text("dmesg"))[1])
    assert len(account["erased"]) == len({e["pfn"] for e in account["erased"]}) == counted > 65000
    assert all(e["repaired"] for e in account["erased"])
    assert account["handover_ns"] > 0 and account["hook"]["set"] == counted
    assert account["deferred_pages"] > 30_000_000 and account["dropped"] == 0
    assert account["xen"]["frames"] == 131072 * 256 and account["xen"]["differing"] == 0
    # Until it is given back: at most 0.02 % of memory; afterwards nothing is left.
    assert (big.directory / "boot_log").stat().st_size < 0.0002 * 131072 * 2 ** 20
    before, after = (int(re.search(r"MemTotal: +(\d+)", big.text(name))[1]) for name in ("before", "after"))
    assert after - before > 0.9 * (big.directory / "boot_log").stat().st_size / 1024
    assert big.status("given-back") == 5 and "was given back" in big.text("given-back.out")
