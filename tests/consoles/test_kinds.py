# SPDX-License-Identifier: GPL-2.0-only
"""What a console seems to say and does not: lines that belong elsewhere, that contradict each other,
that somebody else says, or that say less than a reader would like.
"""
import re

import pytest

from test_consoles import ask, judge

BOOT = ["[    0.000000] Linux version 6.1.0-18-amd64 (a@b) #1 SMP", "[    0.000000] Hypervisor detected: Xen PV"]
HEAD = ["[    5.000000] BUG: unable to handle page fault for address: ffff8881e5b3fff0",
        "[    5.000001] #PF: supervisor write access in kernel mode",
        "[    5.000002] #PF: error_code(0x0003) - permissions violation"]
WALK = "[    5.000003] PGD 2a12067 P4D 2a12067 PUD 1e5bfd067 PMD 1e5bfc067 PTE %s"
OOPS = "[    5.000004] Oops: 0003 [#1] SMP NOPTI"
CPU = "[    5.000005] CPU: 0 PID: %s Comm: swapper/0 Not tainted 6.1.0-18-amd64 #1"
RIP = "[    5.000006] RIP: e030:%s"
TAIL = ["[    5.000007] CR2: %s CR3: 0000000002c10000 CR4: 0000000000050660", "[    5.000008] Call Trace:",
        "[    5.000009]  __pmd_alloc+0x8a/0x110"]
ADDRESS, PTE, FUNCTION = "ffff8881e5b3fff0", "80100001e5b3f065", "xen_set_pud+0x4e/0xd0"


def console(pte=PTE, function=FUNCTION, address=ADDRESS, pid="0", boot=BOOT, after=()):
    return "\n".join([*boot, HEAD[0].replace(ADDRESS, address), *HEAD[1:], WALK % pte, OOPS, CPU % pid,
                      RIP % function, TAIL[0] % address, *TAIL[1:], *after]) + "\n"


def verdict(text):
    status, account = judge(text.encode())
    return status, account["verdict"]["class"], account


def test_what_is_damaged_below():
    """The rest of this file takes something away from a finding."""
    status, word, account = verdict(console())
    assert (status, word) == (1, "lost-flag")
    assert account["boots"][0]["oopses"][0]["read_only"] is True


@pytest.mark.parametrize("change", [
    {"pte": "80100001e5b40065"},			# of another page
    {"pte": "80100001e5b3f067"}, {"pte": "0"},		# writable; not there
    {"address": "ffff8881e5b3fff1"}, {"address": "ffff8881e5b3fff4"},
    {"function": "xen_set_pud+0x4e/0xd0 [fake]"}, {"function": "native_set_pud+0x4e/0xd0 [fake]"},
    {"function": "[<ffffffffc0a0104e>]  [<ffffffffc0a0104e>] :fake:xen_set_pud+0x4e/0xd0"},
    {"function": "xen_set_pud+0x4e0/0xd0"},		# outside of the function: digits are missing
    {"boot": [BOOT[0], "[    0.000000] Hypervisor detected: Xen HVM"]},
    {"boot": [BOOT[0], "[    0.000000] Hypervisor detected: VMware"]},
    {"boot": [BOOT[0], "[    0.000000] Booting paravirtualized kernel on Xen PVH"]},
    {"boot": [BOOT[0], "[    0.000000] Booting paravirtualized kernel on KVM"]},
], ids=str)
def test_contradictions(change):
    status, word, _ = verdict(console(**change))
    assert (status, word) == (5, "cannot-tell")


@pytest.mark.parametrize("digits", range(1, 16))
def test_an_entry_without_all_its_digits_names_no_page(digits):
    """Of an address outside of the direct map: what the page is, only the entry tells."""
    text = console(address="ffffffff82803ff0", pte=PTE[:digits])
    oops = verdict(text)[2]["boots"][0]["oopses"][0]
    assert oops["pfn"] is None and not oops["read_only"]
    oops = verdict(console(address="ffffffff82803ff0"))[2]["boots"][0]["oopses"][0]
    assert (oops["pfn"], oops["read_only"]) == ("0x1e5b3f", True)


@pytest.mark.parametrize("code", ["3", "03", "003"])
def test_a_code_without_all_its_digits_is_none(code):
    text = console().replace("0x0003", f"0x{code}").replace("Oops: 0003", f"Oops: {code}")
    assert verdict(text)[2]["boots"][0]["oopses"][0]["error_code"] is None


@pytest.mark.parametrize("pid", ["4294967296", "99999999999999999999999", "5000000"])
def test_numbers_that_are_no_pids(pid):
    assert verdict(console(pid=pid))[2]["boots"][0]["oopses"][0]["pid"] is None


@pytest.mark.parametrize("tag", ["myapp[123]:", "myapp:", "abrt-dump-oops[1]:", "systemd[1]:", "sshd[7]:"])
def test_what_a_program_says_is_not_the_kernels(tag):
    bare = [line.split("] ", 1)[1] for line in console().splitlines()]
    said = "".join(f"Nov 27 02:10:11 host1 {tag} {line}\n" for line in bare)
    kernels = "Nov 27 02:10:11 host1 kernel: Linux version 6.1.0-18-amd64 (a@b) #1\n"
    status, word, account = verdict(kernels + said)
    assert status == 5 and word in ("cannot-tell", "lives")
    assert not any(boot["oopses"] for boot in account["boots"])
    if tag.endswith("]:"):
        quoted = "".join(f"Nov 27 02:10:11 host1 {tag} it says: {line}\n" for line in console().splitlines())
        assert not any(boot["oopses"] for boot in verdict(kernels + quoted)[2]["boots"])
    # What it passes on of a guest is that guest's.
    passed = "".join(f"Nov 27 02:10:11 host1 {tag} {line}\n" for line in console().splitlines())
    status, _, account = verdict(kernels + passed)
    assert status == 1
    assert {boot["guest"] for boot in account["boots"] if boot["oopses"]} == {f"host1 {tag[:-1]}"}


@pytest.mark.parametrize("line, cut", [
    ("[    5.000005] CPU: 0 PID: 0 Comm: swapper/0 Not tainted 6.1.0-18-amd64 #1", "6"),
    ("[    5.000005] CPU: 0 PID: 0 Comm: swapper/0 Not tainted 6.1.0-18-amd64 #1", "6.1.0-18"),
    ("[    5.000006] RIP: e030:xen_set_pud+0x4e/0xd0", "+0x4"),
    ("[    5.000006] RIP: e030:xen_set_pud+0x4e/0xd0", "/0xd"),
    ("[    5.000000] BUG: unable to handle page fault for address: ffff8881e5b3fff0", "ffff8881"),
    ("[    5.000003] PGD 2a12067 P4D 2a12067 PUD 1e5bfd067 PMD 1e5bfc067 PTE 80100001e5b3f065", "PTE 80100001e5b3f0"),
])
def test_a_line_that_goes_on_below(line, cut):
    """Broken anywhere: what stands before the break is no whole word, and never another one."""
    at = line.index(cut) + len(cut)
    for text in (console(), "\n".join(line.split("] ", 1)[1] for line in console().splitlines()) + "\n"):
        whole = verdict(text)[2]["boots"][0]["oopses"][0]
        said = line if line in text else line.split("] ", 1)[1]
        broken = text.replace(said, said[:at - len(line)] + "\n" + line[at:])
        account = verdict(broken)[2]
        assert account["verdict"]["class"] in ("lost-flag", "cannot-tell")
        for oops in account["boots"][0]["oopses"]:
            for key in ("address", "rip", "kernel", "pfn", "pid"):
                assert oops[key] in (None, whole[key]), key
            assert not oops["foreign"]


@pytest.mark.parametrize("end", ["", " ", "xen_foo+0x1/0x2"])
def test_a_result_that_goes_on_below(end):
    line = "[    5.000001]   call  1: op=1 arg=[ffff8880a1a9eb10] result=-22"
    (call,) = verdict(f"{FAILED}\n{line}\n")[2]["boots"][0]["refusals"][0]["calls"]
    assert call["error"] == "EINVAL"
    account = verdict(f"{FAILED}\n{line[:-1]}\n2{end}\n")[2]
    assert "ENOENT" not in str(account)


CALL = "[    5.000002]   call  1: op=26 result=-22 caller=xen_do_pin+0x80/0x100 "
ARGUMENTS = "pars=ffff888100aaa000 1 0 7ff0 args=0 123456 0 "
FAILED = "[    5.000000] 1 of 1 multicall(s) failed: cpu 0"


@pytest.mark.parametrize("caller, known", [("xen_do_pin", True), ("xen_pgd_unpin", True), ("__xen_mc_entry", False)])
def test_arguments_that_stand_elsewhere_are_unknown(caller, known):
    """Who asked may say what was refused, and never of which page or level."""
    asked = CALL.replace("xen_do_pin", caller)
    status, word, account = verdict(f"{FAILED}\n{asked}{ARGUMENTS}\n")
    assert (status, word) == (1, "pin-refused")
    for between in ("[    5.000003] br0: port 2(vif3.0) entered forwarding state", "(XEN) d3v0 some words",
                    "** 3 printk messages dropped **"):
        for arguments in ("", "pars=ffff888100aaa000 1 0 7ff0 args=0 12", "pars=ffff8881", "args="):
            status, word, account = verdict(
                f"{FAILED}\n{asked}{arguments}\n{between}\n[    5.000004] {ARGUMENTS[len(arguments):]}\n")
            assert (status, word) == ((1, "pin-refused") if known else (5, "refused")), arguments
            (call,) = [c for boot in account["boots"] for r in boot["refusals"] for c in r["calls"]]
            assert call["op"] == "mmuext_op" and call["error"] == "EINVAL"
            said = ask(f"{FAILED}\n{asked}{arguments}\n{between}\n".encode()).stdout
            assert b"0x0 0x0" not in said and b"pin L" not in said


WARNED = "arch/x86/xen/multicalls.c:102 xen_mc_flush+0x176/0x1a0"


def refusal(at=WARNED, cpu=1, begin=5.0, op=26, frame="xen_pgd_pin", warning=None):
    """A warning with its trace, and behind it what failed, on CPU 1 at 5 s."""
    warning = warning or f"WARNING: CPU: {cpu} PID: 9 at {at}"
    above = [warning, f"CPU: {cpu} PID: 9 Comm: bash Not tainted 6.1.0-18-amd64 #1", "Call Trace:",
             f" {frame}+0x35/0xa0", " xen_dup_mmap+0xe/0x20", "---[ end trace 0000000000000000 ]---"]
    below = ["1 of 3 multicall(s) failed: cpu 1", f"  call  2: op={op} arg=[ffff8880a1a9eb10] result=-22"]
    lines = [f"[{begin:12.6f}] {line}" for line in above] + [f"[{5.001:12.6f}] {line}" for line in below]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("change", [
    {}, {"op": 0xaaaaaaaaaaaaaaaa}, {"warning": f"WARNING: {WARNED.replace(' ', ' at ')}, CPU#1: bash/9"}], ids=str)
def test_a_pin_that_was_refused(change):
    assert verdict(refusal(**change))[:2] == (1, "pin-refused")


@pytest.mark.parametrize("change", [
    *({"op": op} for op in (1, 3, 14, 22)), {"frame": "flush_tlb_mm_range"},
    {"at": "mm/foo.c:1 foo+0x1/0x20"}, {"at": "lib/refcount.c:25 refcount_warn+0x5/0x10", "begin": 4.9},
    {"cpu": 3}, {"warning": f"WARNING: {WARNED.replace(' ', ' at ')}, CPU#3: bash/9"},
    {"begin": 1.0}, {"warning": "br0: port 2(vif3.0) entered forwarding state"}], ids=str)
def test_a_refusal_that_no_pin_is_shown_to_be(change):
    """A known operation; a trace that is of another report, and names a pin as its last caller but one."""
    text = refusal(**change).replace(" xen_dup_mmap", " dup_mmap")
    assert verdict(text)[:2] == (5, "refused"), change


@pytest.mark.parametrize("frame", ["xen_pgd_pin", "__xen_pgd_unpin", "xen_alloc_pte", "xen_exit_mmap"])
def test_a_frame_that_may_be_a_remnant_decides_nothing(frame):
    text = refusal(frame=frame).replace(" xen_dup_mmap", " dup_mmap")
    assert verdict(text)[1] == "pin-refused"
    assert verdict(text.replace(f" {frame}", f" ? {frame}"))[:2] == (5, "refused")


PIN = "(XEN) mm.c:3000:d5v0 Error %s while pinning mfn 1d2e04\n"


@pytest.mark.parametrize("cause, error, words, found", [
    ("d5v0 Bad L1 flags 8000000000000400", "-22", "EINVAL", "refused"),
    ("d5v0 d5 non-privileged attempt to map MMIO space fee00", "-1", "EPERM", "refused"),
    ("d5v0 Non-privileged (5) attempt to map I/O space 000fee00", "-1", "0xfee00", "refused"),
    ("d5v0 pg_owner d5 l1e_owner d5, but real_pg_owner d0", "-22", "another domain", "refused"),
    ("d5v0 pg_owner d7 l1e_owner d5, but real_pg_owner d0", "-22", "another domain", "refused"),
    ("d5v0 some words", "-12", "ENOMEM", "refused"),
    ("d5v0 some words", "-22", "why is not on this console", "pin-refused"),
])
def test_why_a_pin_was_refused(cause, error, words, found):
    _, word, account = verdict(f"(XEN) mm.c:900:{cause}\n{PIN % error}")
    assert word == found and words in account["text"]


@pytest.mark.parametrize("line", ["mfn 12345 already pinned", "mfn 12345 not pinned",
                                  "Error -22 while pinning mfn 12345"])
def test_what_dom0_asks_for_may_be_another_guests(line):
    assert "or of a guest that it acts for" in verdict(f"(XEN) mm.c:1:d0v0 {line}\n")[2]["text"]
    assert "acts for" not in verdict(f"(XEN) mm.c:1:d5v0 {line}\n")[2]["text"]


@pytest.mark.parametrize("mark", ["5555555555555555", "ffffffffffffffff", "fffffffffffffffe", "55555555", "ffffffff"])
@pytest.mark.parametrize("line", [
    "Bad type (saw 4c00000000000001 != exp e000000000000000) for mfn 36f40 (pfn %s)",
    "Bad type (saw 1234000000000001 != exp 2000000000000000) for mfn 36f40 (pfn %s)",
    "Error getting mfn 36f40 (pfn %s) from L1 entry 8010000036f40067 for l1e_owner d0, pg_owner d0",
    "Error while validating mfn 36f40 (pfn %s) for type 20000000"])
def test_xens_marks_for_no_pfn_are_none(line, mark):
    text = f"(XEN) mm.c:3000:d0v0 {line}\n(XEN) mm.c:3001:d0v0 Error -22 while pinning mfn 36f40\n"
    for said in ((text % mark), (text % mark).splitlines()[0] + "\n"):
        assert mark.encode() not in ask(said.encode()).stdout + ask(said.encode(), "--json").stdout
        assert b"0x36f40" in ask(said.encode()).stdout
    if not line.startswith("Error while"):
        assert b"(pfn 0x36f41)" in b" ".join(ask((text % "36f41").encode()).stdout.split())


@pytest.mark.parametrize("below, domain", [
    ("(XEN) Domain 9 (vcpu#0) crashed on cpu#3:\n", 9),
    ("", None), ("(XEN) mm.c:1:d4v0 mfn 12345 already pinned\n", None),
    ("** 3 printk messages dropped **\n(XEN) Domain 9 (vcpu#0) crashed on cpu#3:\n", None),
])
def test_a_crash_is_of_the_domain_that_is_named_below(below, domain):
    above = "(XEN) mm.c:1:d7v0 mfn 54321 already pinned\n"
    account = verdict(f"{above}(XEN) domain_crash called from mm.c:12\n{below}")[2]
    crashed = [d["domain"] for d in account["xen"]["domains"] for said in d["said"]
               if said["line"] == 2]
    assert crashed == [domain]


@pytest.mark.parametrize("line, found, kind", [
    ("PANIC: early exception 0x0e IP e030:ffffffff81e0d0ff error 3 cr2 0xffff8881e5b3fff0",
     "cannot-tell", "page-fault"),
    ("PANIC: early exception 0e rip e030:ffffffff81e0d0ff error 3 cr2 ffff8881e5b3fff0", "cannot-tell", "page-fault"),
    ("PANIC: early exception 0x0e IP e030:xen_set_pud+0x4e/0xd0 error 3 cr2 0xffff8881e5b3fff0",
     "lost-flag", "page-fault"),
    ("PANIC: early exception 0x0e IP e030:xen_set_pud+0x4e/0xd0 error 0 cr2 0xffff8881e5b3fff0",
     "not-this-class", "page-fault"),
    ("PANIC: early exception 0x0e IP 10:ffffffff81e0d0ff error 3 cr2 0xffff8881e5b3fff0", "not-pv", "page-fault"),
    ("PANIC: early exception 0x0d IP e030:ffffffff81e0d0ff error 0 cr2 0x0", "not-this-class", "exception"),
    ("PANIC: early exception 0x0e IP e030:ffffffff81e0d0ff error 3 cr2 0xffff8881e5b", "cannot-tell", "page-fault"),
])
def test_early_panics(line, found, kind):
    _, word, account = verdict(line + "\n")
    assert word == found and account["boots"][0]["oopses"][0]["kind"] == kind
    assert account["boots"][0]["oopses"][0]["address"] in (None, "0x0", "0xffff8881e5b3fff0")


def test_an_early_panic_and_its_registers():
    early = "PANIC: early exception 0x0e IP e030:ffffffff81e0d0ff error 3 cr2 0xffff8881e5b3fff0\n"
    registers = (f"[    0.000000] CPU: 0 PID: 0 Comm: swapper Not tainted 4.15.3-lab #1\n"
                 f"[    0.000000] RIP: e030:{FUNCTION}\n[    0.000000] CR2: %s\n")
    assert verdict(early + registers % ADDRESS)[1] == "lost-flag"
    assert verdict(early + registers % "ffff8881e5b3ffe8")[1] == "cannot-tell"


# How Linux prints the slot of CS in a PV guest, which has Xen's mask of upcalls above the selector.
SLOTS = ["e030", "0xe030", "10000e030", "0x10000e030", "ff0000e030", "1000010000e030", "ffffffff0000e030"]
# What is no such slot: digits too many or too few, or something between the selector and the mask.
NO_SLOTS = ["e0300000", "1e030", "10001e030", "10000e0300", "10000e03", "e03", "10000e033", "100000030", "100010000"]
EARLY = "PANIC: early exception 0x%02x IP %s:ffffffff81f25bd8 error %x cr2 0x%s"


def registers(function, cr2=ADDRESS, rip="e030", t="5.3215", release="6.1.0-18-amd64"):
    return [f"[    {t}52] CPU: 0 PID: 0 Comm: swapper Tainted: G        W          {release} #1 ",
            f"[    {t}53] RIP: {rip}:{function}", f"[    {t}54] RSP: e02b:ffffffff81c03d60 EFLAGS: 00000096",
            f"[    {t}55] CS:  10000e030 DS: 0000 ES: 0000 CR0: 0000000080050033",
            f"[    {t}56] CR2: {cr2} CR3: 0000000001c0a000 CR4: 0000000000000660", f"[    {t}57] Call Trace:",
            f"[    {t}58]  ? setup_arch+0x806/0x87d"]


def early(function, slot="10000e030", vector=14, code=3, cr2=ADDRESS, before=(), **kwargs):
    """What dies before trap_init(), by default of a lost flag."""
    return "\n".join([*BOOT, *before, EARLY % (vector, slot, code, cr2), *registers(function, cr2, **kwargs)]) + "\n"


@pytest.mark.parametrize("t", ["0.0000", "2.9999", "5.3215"])
@pytest.mark.parametrize("slot", SLOTS)
def test_the_slot_of_a_code_segment(slot, t):
    """However long after the start it is, and whichever line has it."""
    for text in (early(FUNCTION, slot, t=t), early(FUNCTION, slot, t=t).replace(" IP ", " rip ")):
        status, word, account = verdict(text)
        assert (status, word) == (1, "lost-flag")
        assert account["boots"][0]["oopses"][0]["segment"] == "0xe030"
    for text in (early(FUNCTION, rip=slot, t=t), console().replace("RIP: e030", f"RIP: {slot}")):
        assert verdict(text)[:2] == (1, "lost-flag")
    # A writer of any machine is one of a PV guest's by its segment alone.
    alone = "\n".join(early("native_set_pud+0x4e/0xd0", slot, t=t).splitlines()[len(BOOT):]) + "\n"
    assert verdict(alone)[:2] == (1, "written-past")
    alone = console(boot=[], function="native_set_pud+0x4e/0xd0").replace("RIP: e030", f"RIP: {slot}")
    assert verdict(alone)[:2] == (1, "written-past")


@pytest.mark.parametrize("slot", NO_SLOTS)
def test_what_is_no_slot_of_a_code_segment(slot):
    assert verdict(early(FUNCTION, slot))[:2] == (5, "cannot-tell")
    alone = "\n".join(early("native_set_pud+0x4e/0xd0", slot, rip=slot).splitlines()[len(BOOT):]) + "\n"
    assert verdict(alone)[0] == 5


@pytest.mark.parametrize("slot", ["10", "0x10", "100000010", "ffffffff00000010"])
def test_the_slot_of_another_machine(slot):
    assert verdict(early(FUNCTION, slot, rip="0010"))[:2] == (5, "cannot-tell")
    alone = "\n".join(early(FUNCTION, slot, rip="0010").splitlines()[len(BOOT):]) + "\n"
    assert verdict(alone)[:2] == (5, "not-pv")


STOPPED = [("xen_remap_memory", "arch/x86/xen/setup.c:314", (5, "not-this-class")),
           ("early_memremap", "mm/early_ioremap.c:99", (5, "not-this-class")),
           ("pin_pagetable_pfn", "arch/x86/xen/mmu_pv.c:1", (1, "pin-refused")),
           ("xen_mc_flush", "arch/x86/xen/multicalls.c:1", (5, "refused")),
           ("set_page_prot_flags", "arch/x86/xen/mmu_pv.c:2", (5, "refused"))]
BUG = ["[    5.288413] ------------[ cut here ]------------", "[    5.288609] kernel BUG at %s!"]
NAMELESS = "[    5.288609] Kernel BUG at %s+0x198/0x24e [verbose debug info unavailable]"
HANDS = {"stamps": lambda line: line, "no stamps": lambda line: line.split("] ", 1)[-1],
         "callers": lambda line: line.replace("] ", "][    T0] ", 1),
         "a terminal's dates": lambda line: "[12:00:11] " + line,
         "dates": lambda line: re.sub(r"^\[ +[0-9.]+\]", "[Fri Nov 27 02:10:11 2026]", line),
         "levels": lambda line: "<4>" + line, "a name": lambda line: "web1: " + line,
         "blank lines": lambda line: line + "\n", "spaces": lambda line: line + "  ",
         "Xen's lines": lambda line: "(XEN) some words\n(XEN) more words\n(XEN) the last ones\n" + line}


@pytest.mark.parametrize("slot", ["e030", "10000e030"])
@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("function, place, found", STOPPED)
def test_a_bug_before_there_are_handlers(function, place, found, hand, slot):
    """Linux names it, and panics by the invalid opcode that it is; without names the opcode is all."""
    for bug in (BUG, [NAMELESS], []):
        before = [line % (function if bug != BUG else place) if "%" in line else line for line in bug]
        text = early(f"{function}+0x198/0x24e", slot, vector=6, code=0, before=before)
        status, word, account = verdict("\n".join(map(HANDS[hand], text.splitlines())) + "\n")
        assert (status, word) == found, (bug, account["text"])
        (oops,) = [oops for boot in account["boots"] for oops in boot["oopses"]]
        assert oops["bug_at"] == (place if bug == BUG else None) and oops["rip"] == f"{function}+0x198/0x24e"
        assert oops["kind"] == ("bug" if bug == BUG else "exception") and oops["segment"] == "0xe030"
        assert not oops["torn"] and not oops["survived"] and oops["pid"] == 0


OTHERS = "[    5.288610] Oops: invalid opcode: 0000 [#1] SMP NOPTI"


@pytest.mark.parametrize("change", [
    {"vector": 14}, {"vector": 13}, {"vector": 0},			# a BUG is none of these
    {"before": [BUG[1], "[    5.288610] foo", "[    5.288611] foo"]},	# something else was printed since
    {"before": [BUG[1], OTHERS]}, {"before": [BUG[1], "[    5.288610] kernel BUG at mm/mmap.c:2!"]},
    {"before": [HEAD[0]]},
    {"t": "1.3215"}, {"t": "9.3215"},				# registers of another time
    {"release": "5.10.0-28-amd64"}, {"rip": "0010"}, {"slot": "10"},
], ids=str)
def test_an_early_panic_that_is_of_no_bug_before_it(change):
    change = {"before": [BUG[1]], "vector": 6, "code": 0, **change}
    text = early(FUNCTION, **change).replace("%s", "mm/memory.c:1")
    status, _, account = verdict(text)
    assert status == 5
    for oops in [oops for boot in account["boots"] for oops in boot["oopses"]]:
        assert oops["bug_at"] is None or oops["rip"] is None or oops["foreign"], account["text"]


def test_an_early_invalid_opcode_of_nowhere():
    """It may be where Linux stops itself because Xen has refused a pin."""
    for line in (EARLY % (6, "10000e030", 0, ADDRESS), "\n".join([BUG[1] % "arch/x86/xen/mmu_pv.c:1",
                 EARLY % (6, "10000e030", 0, ADDRESS)])):
        assert verdict(line + "\n")[:2] == (5, "cannot-tell")
    assert verdict(EARLY % (13, "10000e030", 0, ADDRESS) + "\n")[1] == "not-this-class"


@pytest.mark.parametrize("vector, code, found", [
    (14, 3, (1, "lost-flag")), (14, 0, (5, "not-this-class")), (6, 0, (5, "not-this-class")),
    (13, 0, (5, "not-this-class"))])
@pytest.mark.parametrize("last", [
    "---[ end trace 0000000000000000 ]---", " ? startup_xen+0x1f/0x1f", " </TASK>", "Modules linked in:",
    "Modules linked in: xt_foo [last unloaded:", "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ",
    "foo: at (0x1000", "p2m virtual area at (____ptrval____), size is e00000", f"{'foo: ' * 13}xx"])
def test_an_early_panic_behind_anything(last, vector, code, found):
    """A warning that was survived, or a line that seems to go on below: this line is the rest of none."""
    warning = ["WARNING: CPU: 0 PID: 0 at arch/x86/xen/setup.c:312 xen_remap_memory+0x196/0x24e",
               "CPU: 0 PID: 0 Comm: swapper Not tainted 6.1.0-18-amd64 #1 ", "RIP: e030:xen_remap_memory+0x196/0x24e",
               "CR2: ffffc90000c00000 CR3: 0000000001c0a000 CR4: 0000000000000660", "Call Trace:",
               " ? xen_pagetable_init+0x3bd/0x3d0"]
    for before in ([last], [*warning, last]):
        before = [f"[    5.2884{n:02}] {line}" for n, line in enumerate(before)]
        assert verdict(early(FUNCTION, vector=vector, code=code, before=before))[:2] == found


@pytest.mark.parametrize("head, kind", [
    (["[    5.288609] kernel BUG at mm/pgtable-generic.c:99!", OTHERS], "bug"),
    (["[    5.288609] kernel BUG at mm/pgtable-generic.c:99!"], "bug"),
    (["[    5.288609] general protection fault: 0000 [#1] SMP NOPTI"], "exception"),
    ([EARLY % (13, "10000e030", 0, "ffffc90000c00001")], "exception"),
    (["[    5.288609] kernel BUG at mm/foo.c:1!", EARLY % (6, "10000e030", 0, "ffffc90000c00001")], "bug")])
@pytest.mark.parametrize("function", ["xen_set_pmd", "xen_set_pud", "pmdp_set_access_flags", "native_set_pte"])
def test_cr2_is_of_page_faults_alone(function, head, kind):
    """Of all else it is left from the last one, of whatever address."""
    text = "\n".join([*head, *registers(f"{function}+0x4e/0xd0", "ffffc90000c00001")]) + "\n"
    status, word, account = verdict(text)
    assert (status, word) == (5, "not-this-class") and account["boots"][0]["oopses"][0]["kind"] == kind
    # Whoever writes page tables writes whole entries.
    fault = "[    5.288609] Oops: 0003 [#1] SMP NOPTI"
    assert verdict(text.replace("\n".join(head), fault))[:2] == (5, "cannot-tell")


@pytest.mark.parametrize("begin", range(len(BOOT + HEAD) + 2, len(console().splitlines())))
def test_the_end_of_an_oops(begin):
    """Without the lines that say what it is about."""
    text = "\n".join(console().splitlines()[begin:]) + "\n"
    account = verdict(text)[2]
    assert "No oops" not in account["text"] or "RIP" not in text and "CR2" not in text
    assert account["verdict"]["class"] == "cannot-tell"


@pytest.mark.parametrize("after", [
    ["[   16.000000] br0: port 2(vif3.0) entered forwarding state"],
    ["[    6.000000] Run /sbin/init as init process"],
    ["[  100.000000] WARNING: CPU: 1 PID: 33 at lib/refcount.c:25 refcount_warn+0x5/0x10"]])
def test_an_oops_need_not_kill(after):
    assert verdict(console(pid="9"))[2]["text"].startswith("The guest died")
    status, word, account = verdict(console(pid="9", after=after))
    assert (status, word) == (1, "lost-flag")
    assert account["text"].startswith("A task of the guest died")
    assert account["boots"][0]["oopses"][0]["survived"]
    # The idle task and an interrupt are never spared, and behind a panic there is no life.
    for dead in (console(pid="0", after=after), *(
            console(pid="9", after=[f"[    5.000{n}00] {panic}", *after]) for n in (1, 9) for panic in (
                "Kernel panic - not syncing: Fatal exception", "---[ end Kernel panic - not syncing: Fatal exception",
                "---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009 ]---")),
            console(pid="9", after=after).replace("__pmd_alloc", "<IRQ>\n[    5.000009]  __pmd_alloc")):
        account = verdict(dead)[2]
        assert account["text"].startswith("The guest died, most likely of a lost flag")
        assert not account["boots"][0]["oopses"][0]["survived"]


def test_a_panic_long_after_an_oops():
    later = ["[   40.000000] Kernel panic - not syncing: Out of memory"]
    assert verdict(console(pid="9", after=later))[2]["text"].startswith("A task of the guest died")


@pytest.mark.parametrize("end", range(len(BOOT) + 2, len(console().splitlines()) - 1))
def test_an_oops_without_its_end_is_not_known_to_have_been_survived(end):
    """What follows may be of another boot."""
    begin = console(pid="9").replace(ADDRESS, "0000000000000018").splitlines()[:end]
    for later in (console(pid="9", boot=[]).replace("[    5.", "[   78."), "[   78.000000] br0: port 2 entered\n"):
        account = verdict("\n".join(begin) + "\n" + later)[2]
        text = account["boots"][0]["oopses"][0]["verdict"]["text"]
        assert "task" not in text or "he guest, or a task of it, died" in text, text
        assert not account["boots"][0]["oopses"][0]["survived"]


@pytest.mark.parametrize("reason, word", [
    ("System is deadlocked on memory", "not-this-class"),
    ("VFS: Unable to mount root fs on unknown-block(0,0)", "not-this-class"),
    ("Fatal exception", "cannot-tell"), ("Attempted to kill the idle task!", "cannot-tell")])
def test_panics_without_an_oops(reason, word):
    assert verdict(f"{BOOT[0]}\n[    9.000000] Kernel panic - not syncing: {reason}\n")[:2] == (5, word)


def test_more_guests_than_there_is_room_for_is_said_first():
    text = "".join(f"guest{n}: {line}\n" for n in range(17) for line in console().splitlines())
    run = ask(text.encode())
    assert run.returncode == 1
    assert run.stdout.startswith(b"Only the first 15 guests")
    assert not ask(console().encode()).stdout.startswith(b"Only")


def test_boots_are_counted_from_the_first():
    text = "".join(f"{BOOT[0]}\n[    9.000000] Kernel panic - not syncing: number {n}\n" for n in range(150))
    assert b"Boot 150 of 150, the newest" in ask(text.encode()).stdout


def many(number, last, **change):
    """So many oopses that are of no flag, and behind them another one."""
    some = console(address="0000000000000010", pid="9").replace("0003", "0002").splitlines()[len(BOOT):]
    text = "\n".join(BOOT) + "\n"
    for n in range(number):
        text += "\n".join(some).replace("[    5.", f"[ {100 + 20 * n:4}.") + "\n"
    return text + "\n".join(last).replace("[    5.", "[ 9000.") + "\n"


@pytest.mark.parametrize("number", [1, 7, 8, 9, 30])
def test_the_oops_that_ended_a_boot_is_judged_behind_any_number(number):
    lost = console(after=["[    5.000010] Kernel panic - not syncing: Attempted to kill the idle task!"])
    status, word, account = verdict(many(number, lost.splitlines()[len(BOOT):]))
    assert (status, word) == (1, "lost-flag") and account["text"].startswith("The guest died")
    (boot,) = account["boots"]
    assert len(boot["oopses"]) + boot["more_oopses"] == number + 1


@pytest.mark.parametrize("number", [3, 8, 9, 30])
def test_what_was_not_judged_weakens_what_was(number):
    status, word, account = verdict(many(number, []))
    assert (status, word) == (5, "not-this-class" if number <= 8 else "cannot-tell")
    assert account["text"].startswith(f"{number - 8} oopses") is (number > 8)


@pytest.mark.parametrize("number", [60, 64, 65, 100])
def test_boots_that_were_not_judged_weaken_what_was(number):
    def lives(number):
        return "".join(f"{BOOT[0]}\n[    3.{n:06}] xenpin: repaired=7\n[    4.{n:06}] Run /init as init process\n"
                       for n in range(number))

    text = ask(lives(number).encode())
    assert text.returncode == (0 if number <= 64 else 5)
    assert text.stdout.startswith(b"The oldest") is (number > 64)
    assert ask((console() + lives(number)).encode()).returncode == (1 if number < 64 else 5)
    assert ask((lives(number) + console()).encode()).stdout.startswith(b"The guest died, most likely of a lost")


@pytest.mark.parametrize("function", ["xen_set_pmd", "xen_set_pud", "pmdp_set_wrprotect", "native_set_pmd"])
def test_code_is_no_page_table(function):
    """A wild pointer: what may be executed is none, and where text is nobody knows without the entry."""
    tables = {"pte": "8010000002c12065", "address": "ffffffff82c12ff8", "function": f"{function}+0x4/0x20"}
    assert verdict(console(**tables))[0] == 1
    for change in ({"pte": "10000002c12065"}, {"pte": "0010000002c12065"}):
        assert verdict(console(**{**tables, **change}))[:2] == (5, "cannot-tell")
    for address in ("ffffffff81000000", "ffffffff810123f0", "ffffffff81fffff8"):
        text = {**tables, "pte": f"10000{int(address, 16) - 0xffffffff80000000 >> 12:06x}065", "address": address}
        assert verdict(console(**text))[:2] == (5, "cannot-tell")
        assert verdict(console(**{**text, "pte": "80" + text["pte"]}))[0] == 1
        no_walk = "\n".join(line for line in console(**text).splitlines() if "PGD" not in line) + "\n"
        assert verdict(no_walk)[:2] == (5, "cannot-tell")


@pytest.mark.parametrize("function", [
    "xen_set_pte", "xen_pte_clear", "native_set_pte", "native_pte_clear", "ptep_set_wrprotect"])
def test_a_write_to_an_l1_table_was_refused_whoever_wrote(function):
    """Xen emulates it by the page, and not by the function; what it does not, it has refused."""
    function += "+0x4/0x20"
    status, word, account = verdict(console(function=function))
    assert (status, word) == (5, "refused") and "Xen did not take the value" in account["text"]
    for text in series(function=function, level=1, flag=1, erased=0, where="-"):
        assert verdict(text)[:2] == (5, "refused")
    xen = ("(XEN) mm.c:3000:d5v0 Bad type (saw 2400000000000001 != exp e000000000000000) for mfn 36f40 "
           f"(pfn {0x1e5b3f:05x})\n")
    # Where Xen says that the page is a table of another level, it emulates nothing.
    for level, found in ("24000", "refused"), ("84000", "written-past"):
        boots = verdict(xen.replace("24000", level) + console(function=function))[2]["boots"]
        assert boots[0]["verdict"]["class"] == found
    # By a function of no level it is nobody's that Xen would emulate.
    for text in series(function="memset+0x4/0x20", level=1, flag=1, erased=0, where="-"):
        assert verdict(text)[:2] == (1, "written-past")


def test_a_platform_is_the_one_that_booted():
    boot = [BOOT[0], "[    0.000000] Hypervisor detected: Xen HVM",
            "[    0.000000] Booting paravirtualized kernel on Xen PVH"]
    assert verdict("\n".join(boot) + "\n")[2]["boots"][0]["platform"] == "Xen PVH"


def test_a_line_of_the_series_that_is_cut_may_have_told_of_more():
    lives = "\n".join([*BOOT, "[    3.000000] xenpin: repaired=77", "[    4.000000] Run /init as init process"]) + "\n"
    assert verdict(lives)[:2] == (0, "lives")
    assert verdict(f"{lives}[    4.100000] xenpin: erased total=7\n")[0] != 0
    assert verdict(f"{lives}** 3 printk messages dropped **\n")[0] == 5


LINE = "[    5.000007] xenpin: fault addr=0x%s pfn=0x%x level=%s flag=%s erased=%s where=%s"


def series(address=ADDRESS, pfn=0x1e5b3f, level=3, flag=0, erased=1, where="handover", after=(), **oops):
    """The oops of console() with the series' line about it, before its registers' last one or at its end."""
    line = LINE % (address, pfn, level, flag, erased, where)
    lines = console(after=after, **oops).splitlines()
    at = next(n for n, text in enumerate(lines) if "CR2:" in text)
    return ["\n".join([*lines[:at], line, *lines[at:]]) + "\n",
            "\n".join([*lines, line.replace("5.000007", "5.000010")]) + "\n"]


def test_the_series_line_about_a_fault():
    for text in series():
        assert verdict(text)[:2] == (1, "erased")
    for text in series(flag=0, erased=0, where="-"):
        account = verdict(text)[2]
        assert account["verdict"]["class"] == "lost-flag" and "not known to have cleared" in account["text"]
    # It read the flag of the page, and found it set: whatever it was before, that was no lost flag.
    for text in [*series(flag=1, erased=0, where="-"), *series(flag=1)]:
        status, word, account = verdict(text)
        assert (status, word) == (1, "written-past") and "erased flag" not in account["text"]


@pytest.mark.parametrize("change", [
    {"address": "ffff8881e5b3ffe8"}, {"address": "ffff888100000068", "pfn": 0x100000},	# another fault's
    {"pfn": 0x1e5b3}, {"pfn": 0x1e5b40},				# of no such address
    *({"level": level} for level in (1, 2, 4)),				# the function writes none of it
    *({"function": f"{name}+0x4/0x20", "level": 3} for name in ("xen_set_pmd", "xen_set_p4d", "native_set_pte")),
    {"after": ["[    5.000011] xenpin: erased total=0 shown=0"]},
    {"boot": BOOT + ["[    0.000001] xenpin: erased total=0 shown=0"]},
], ids=str)
def test_the_series_line_is_not_believed_against_all_others(change):
    for text in series(**change):
        status, word, account = verdict(text)
        assert "erased flag" not in account["text"] and word != "written-past", account["text"]
        assert all(oops["verdict"]["grade"] != "shown" for oops in account["boots"][0]["oopses"])
        assert "contradicts the oops" in " ".join(account["notes"])
    assert verdict(series(**change)[0])[:2] == (5, "cannot-tell")


@pytest.mark.parametrize("release", ["5.10.0-28-amd64", "6.1.192-xenpin"])
@pytest.mark.parametrize("function", ["memcpy_erms+0x6/0x10", "pmc_core_probe+0x138/0x190"])
def test_lines_of_the_series_about_the_fault_of_another_guest(release, function):
    text = series(address="ffff88826d24e068", pfn=0x26d24e, function=function, boot=[
        BOOT[0].replace("6.1.0-18-amd64", release), BOOT[1]], after=[
            "[    5.000009] xenpin: erased total=40 shown=1",
            "[    5.000009] xenpin: erased pfn=0x26d24e level=3 where=handover"])[1]
    status, word, account = verdict(text.replace("6.1.0-18-amd64", release))
    assert (status, word) == (5, "cannot-tell") and "erased" not in account["text"]


@pytest.mark.parametrize("flag, level, found", [
    (0, 3, "lost-flag"), (1, 3, "cannot-tell"), (0, 0, "cannot-tell"), (1, 0, "cannot-tell"), (0, 2, "cannot-tell")])
def test_what_can_be_read_of_a_damaged_line_of_the_series(flag, level, found):
    """A weaker verdict does not say otherwise: with a `where` that goes with nothing, or cut behind it."""
    for where in ("none", "0", "unknown", "handover", "other"):
        for text in series(flag=flag, level=level, erased=0, where=where):
            assert verdict(text)[1] == found, where
            assert verdict(text.replace(f" where={where}", ""))[1] == found
            assert verdict(text.replace(f"=0 where={where}", ""))[1] == found
            # What a cut has left of a number is none.
            assert verdict(text.replace(f"level={level} flag={flag} erased=0 where={where}", "le"))[1] == "lost-flag"


@pytest.mark.parametrize("lines, found", [
    (["repaired=7"], (0, "lives")), (["erased total=7 shown=0", "repaired=7"], (0, "lives")),
    (["erased total=9 shown=0", "repaired=7"], (1, "erased")),
    (["erased total=7 shown=0", "repaired=7", "erased total=9 shown=0"], (1, "erased")),
    (["erased total=9 shown=0", "repaired=7", "erased total=7 shown=0"], (1, "erased")),
    (["repaired=7", "erased pfn=0x26d24e level=3 where=deferred"], (5, "cannot-tell")),
    (["erased total=7 shown=0", "repaired=7", "erased pfn=0x26d24e level=3 where=grow"], (5, "cannot-tell")),
    (["repaired=7", "repaired=0"], (5, "cannot-tell")), (["repaired=0", "repaired=7"], (5, "cannot-tell")),
    (["repaired=7", "repaired=7"], (0, "lives")),
    # What a guest that dies lists has been repaired before.
    (["repaired=7", "erased total=7 shown=1", "erased pfn=0x26d24e level=3 where=grow"], (0, "lives")),
], ids=str)
@pytest.mark.parametrize("init", [0, 1, -1])
def test_what_was_repaired_and_what_was_not(lines, found, init):
    """Wherever user space begins between them."""
    lines = [f"xenpin: {line}" for line in lines]
    at = {0: 0, 1: 1, -1: len(lines)}[init]
    lines[at:at] = ["Run /sbin/init as init process"]
    text = "\n".join(BOOT + [f"[{3.5 + n:12.6f}] {line}" for n, line in enumerate(lines)]) + "\n"
    status, word, account = verdict(text)
    assert (status, word) == found
    assert ("every flag" in account["text"]) is (status == 0)


@pytest.mark.parametrize("function, path, found", [
    ("xen_pgd_pin", "arch/x86_64/mm/../../i386/mm/hypervisor.c", (1, "pin-refused")),
    ("xen_pgd_unpin", "arch/i386/mm/hypervisor.c", (1, "pin-refused")),
    ("xen_set_ldt", "arch/i386/mm/hypervisor.c", (5, "not-this-class")),
    ("xen_pgd_pin", "arch/i386/mm/pgtable-xen.c", (5, "not-this-class")),
    ("xen_pgd_pin [fake]", "arch/i386/mm/hypervisor.c", (5, "not-this-class"))])
def test_where_xenlinux_stops_itself_for_a_pin_that_was_refused(function, path, found):
    name, _, module = function.partition(" ")
    text = (f"Kernel BUG at {path}:197\ninvalid opcode: 0000 [1] SMP\nCPU 0\n"
            "Pid: 1, comm: init Not tainted 2.6.18-194.el5xen #1\n"
            f"RIP: e030:[<ffffffff8027ce1c>]  [<ffffffff8027ce1c>] {name}+0x61/0x76 {module}\n")
    assert verdict(text)[:2] == found


@pytest.mark.parametrize("newest", [
    ["[    0.500000] node 0 deferred pages initialised in 5ms"], ["[    4.000000] Run /init as init process"], [
    "[    4.000000] Run /init as init process", "[    4.100000] Run /bin/sh as init process"]])
def test_where_no_oops_is(newest):
    """On a console that has one, of another boot, it is not missing."""
    lives = "\n".join(BOOT + newest) + "\n"
    assert verdict(lives)[2]["text"].startswith("No oops is on this console")
    account = verdict(lives + console() + lives)[2]
    texts = [boot["verdict"]["text"] for boot in account["boots"]]
    assert "on this console" not in account["text"] and account["text"].startswith("No oops is in the newest boot")
    assert texts[-1].startswith("No oops is in this boot")
    # Another guest's boots are as old as they are.
    account = verdict("".join(f"web1: {line}\n" for line in lives.splitlines()) + "".join(
        f"web2: {line}\n" for line in console().splitlines()))[2]
    assert any("No oops is in the newest boot" in boot["verdict"]["text"] for boot in account["boots"])


@pytest.mark.parametrize("line", [
    "Error while installing new baseptr 1234", "Error -22 while installing new baseptr 1234",
    "Error while installing new mfn 1234", "Error -16 while installing new mfn 1234"])
def test_a_cr3_that_was_refused_is_no_pin(line):
    for place in ("mm.c:2630:d0 ", "mm.c:3321:d5v1 ", ""):
        status, word, account = verdict(f"(XEN) {place}{line}\n")
        assert (status, word) == (5, "refused") and "as CR3" in account["text"]


@pytest.mark.parametrize("error, found", [
    *((error, "refused") for error in (-1, -4, -11, -12, -13)), *((error, "pin-refused") for error in (-16, -22))])
def test_errors_that_are_about_no_page(error, found):
    assert verdict(PIN % error)[1] == found


def test_a_remnant_names_no_known_bug():
    text = refusal(op=0xaaaaaaaaaaaaaaaa).replace(" xen_dup_mmap", " move_page_tables").replace("6.1.0", "5.14.0")
    assert verdict(text)[2]["verdict"]["looks_like"]["name"] == "5.14 mremap"
    assert verdict(text.replace(" move_page", " ? move_page"))[2]["verdict"]["looks_like"] is None
