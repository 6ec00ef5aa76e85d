# SPDX-License-Identifier: GPL-2.0-only
"""xenpin boot where no Xen is needed: files from elsewhere, and what is no such file."""
import json
import re
import subprocess

import pytest

import lab
import recordings as made
from test_cli import XENPIN, bare, one_sentence, xenpin  # noqa: F401

OOPS = """\
[    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP
[    1.900000] BUG: unable to handle page fault for address: ffff88826d24e068
[    1.900001] #PF: supervisor write access in kernel mode
[    1.900002] #PF: error_code(0x0003) - permissions violation
[    1.900003] Oops: 0003 [#1] PREEMPT SMP NOPTI
[    1.900004] RIP: e030:xen_set_pud+0x4d/0xc0
[    1.900005] Kernel panic - not syncing: Attempted to kill the idle task!
"""
ERASED = """\
xenpin: erased total=40 shown=32
xenpin: erased pfn=0x26d24e level=3 where=handover
"""
FAULT = ("xenpin: fault addr=0xffff88826d24e068 pfn=0x26d24e level=3 flag=0 erased=1 "
         "where=handover\n")

# A boot log (include/boot_log.h) that user space found to hold no record.
NO_RECORDS = b"XPBL" + bytes([2, 0, 64, 0, 0x80, 2, 0, 0, 3, 0, 0, 0]) + bytes(624)

USAGE = [
    (["--compare", "a"], "--compare needs two values: A B"),
    (["--compare", "a", "--json"], "--compare needs two values: A B"),
    (["--log"], "--log needs a value"),
    (["--log", ""], "--log: '' is not"),
    (["--pid", "1"], "unknown option '--pid'"),
    (["stray"], "boot: unexpected argument 'stray'; a command to run stands behind"),
    (["--log", "/no/such/file"], "--log /no/such/file: No such file or directory"),
    (["--log", "/dev/null"], "--log /dev/null: it is not a boot log"),
    (["--log", "/dev/zero"], "--log /dev/zero: it is not a boot log, it is larger than"),
    (["--log", "/"], "--log /: Is a directory"),
    (["--console", "/no/such/file"], "--console /no/such/file: No such file or directory"),
    (["--console", "/dev/zero"], "--console /dev/zero: File too large"),
    (["--console", "/"], "--console /: Is a directory"),
    (["--console", ""], "--console: '' is not"),
    (["--compare", "/no/such/file", "/dev/null"], "--compare /no/such/file: No such file"),
    (["--compare", "/dev/null", "/dev/null"], "--compare /dev/null: it holds no account"),
    (["--console", "a", "--log", "b"], "--log, --console and --compare: only one at a time"),
    (["--log", "a", "--verify"], "--log is of another boot: --verify, --duration and CMD are for this one"),
    (["--console", "a", "-d", "1"], "--console is of another boot: "),
    (["--compare", "a", "b", "--", "true"], "--compare is of another boot: "),
    (["--compare", "a", "b", "--records"], "--records: --compare has none"),
]


@pytest.mark.parametrize("args, sentence", USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_usage(args, sentence):
    result = xenpin("boot", *args)
    assert result.returncode == 2
    assert sentence in one_sentence(result)


def test_not_here(bare):  # noqa: F811
    result = xenpin("boot")
    assert result.returncode == 3 and "this is not a Xen guest" in one_sentence(result)


def test_a_file_cannot_be_followed(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(NO_RECORDS)
    result = xenpin("boot", "--log", log, "--duration", "1")
    assert result.returncode == 2 and "--log is of another boot" in one_sentence(result)
    result = xenpin("boot", "--log", log, "--json")
    (account,) = lab.parse(result.stdout)
    assert result.returncode == 5 and account["records"] == 0 and account["kernel"] is None
    assert "no record tells of the hand-over" in account["incomplete"]


CONSOLES = [
    (OOPS.splitlines()[0] + "\n", 5, "No oops is on this console"),
    (OOPS, 1, "most likely of a lost flag: xen_set_pud wrote to an L3 page table that is read-only, "
     "at 0xffff88826d24e068"),
    # As 4.15 said it.
    (OOPS.replace("page fault for address:", "kernel paging request at"), 1,
     "most likely of a lost flag: xen_set_pud wrote to an L3 page table that is read-only, at "
     "0xffff88826d24e068"),
    (OOPS.replace("xen_set_pud+0x4d/0xc0", "memset_orig+0x4d/0xc0"), 5,
     "died of a write to a read-only page at 0xffff88826d24e068, in memset_orig; a lost flag looks "
     "like that, and so does any other write"),
    (OOPS.replace("x0003", "x0000").replace(" 0003 ", " 0000 ").replace("write", "read"), 5,
     "died of a read of a page that is not there at 0xffff88826d24e068"),
    (OOPS + ERASED + FAULT, 1, "died of an erased flag: it wrote to 0xffff88826d24e068, which is "
     "in pfn 0x26d24e, an L3 page table"),
    (OOPS + ERASED, 1, "the pfn is concluded from the address"),
    (OOPS + ERASED.replace("26d24e", "26d24f"), 1,
     "40 flags were erased, and the guest died of a fault at 0xffff88826d24e068 that is in none"),
    (OOPS + FAULT.replace("erased=1 where=handover", "erased=0 where=-"), 1,
     "died of a lost flag: it wrote to 0xffff88826d24e068 in pfn 0x26d24e, an L3 page table that Xen "
     "keeps read-only and whose PagePinned is clear"),
    (OOPS + FAULT.replace("flag=0 erased=1 where=handover", "flag=1 erased=0 where=-"), 1,
     "died of a write past the pv ops: to 0xffff88826d24e068 in pfn 0x26d24e, a read-only L3 page "
     "table whose PagePinned is set"),
    (ERASED, 1, "40 flags were erased; no page fault is on this console"),
    (ERASED.replace("total=40 shown=32", "total=40 shown"), 1, "1 flag was erased"),
    ("Kernel panic - not syncing: VFS\n", 5, "The guest died, but not of a page fault"),
]


def paragraph(text):
    """The first one, as one line."""
    return " ".join(text.split("\n\n")[0].split())


@pytest.mark.parametrize("text, status, sentence", CONSOLES, ids=[s for _, _, s in CONSOLES])
def test_consoles(text, status, sentence, tmp_path):
    console = tmp_path / "console.log"
    console.write_text(text)
    result = xenpin("boot", "--console", console)
    assert result.returncode == status and not result.stderr
    assert sentence in paragraph(result.stdout)
    assert max(map(len, result.stdout.splitlines())) < 80
    result = xenpin("boot", "--console", console, "--json")
    (account,) = lab.parse(result.stdout)
    assert result.returncode == account["status"] == status and sentence in account["text"]


NO_CONSOLES = {"empty": b"", "binary": b"\x7fELF\0\0\0\n" * 100, "text": b"root:x:0:0:root:/root:/bin/sh\n" * 9,
               "json": b'{"type":"batch","t":1}\n', "zeros": bytes(100000), "newlines": b"\n" * 100000}


@pytest.mark.parametrize("name", NO_CONSOLES)
@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_what_is_no_console(name, arguments, tmp_path):
    console = tmp_path / "console.log"
    console.write_bytes(NO_CONSOLES[name])
    result = xenpin("boot", "--console", console, *arguments)
    assert result.returncode == 2
    assert "it is no console: no line of it is one of Linux or of Xen" in one_sentence(result)


def test_a_console_from_a_pipe(tmp_path):
    (tmp_path / "-").write_text("a file of that name is not meant\n")
    result = subprocess.run([XENPIN, "boot", "--console", "-"], input=OOPS + ERASED + FAULT,
                            capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert result.returncode == 1 and "died of an erased flag" in paragraph(result.stdout)


def test_consoles_to_a_full_disk(tmp_path):
    console = tmp_path / "console.log"
    console.write_text(OOPS + ERASED + FAULT)
    with open("/dev/full", "w") as full:
        result = subprocess.run([XENPIN, "boot", "--console", console], stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=30)
    assert result.returncode == 5 and "No space left on device" in result.stderr


def test_an_account_among_other_lines(tmp_path):
    """Records, other objects, damage and an older account before it; a file with none at all."""
    log = tmp_path / "log"
    log.write_bytes(NO_RECORDS)
    account = xenpin("boot", "--log", log, "--json").stdout
    older = {**json.loads(account), "boot_ns": 1}
    (tmp_path / "a").write_text('{"type":"record"}\n' + json.dumps(older) + '\n{"type":"boot"\n'
                                + account)
    (tmp_path / "b").write_text('{"type":"record"}\n')
    result = xenpin("boot", "--compare", tmp_path / "a", tmp_path / "a", "--json")
    (comparison,) = lab.parse(result.stdout)
    assert result.returncode == 5 and "does not know how long the whole boot took" in result.stderr
    assert comparison["difference_ns"] is None
    assert comparison["a"] == comparison["b"] == json.loads(account)
    result = xenpin("boot", "--compare", tmp_path / "a", tmp_path / "b")
    assert result.returncode == 2 and "it holds no account" in one_sentence(result)


@pytest.mark.parametrize("repaired, untracked, status", [(7, 0, 5), (6, 0, 1), (7, 1, 5)])
def test_without_records_the_kernels_own_counts_are_left(tmp_path, repaired, untracked, status):
    """As of a log whose memory was given back: what was not set again is a finding all the same."""
    log = tmp_path / "log"
    log.write_bytes(made.log_header(0, 7, released=1, repaired=repaired, untracked=untracked))
    result = xenpin("boot", "--log", log, "--json")
    (account,) = lab.parse(result.stdout)
    assert result.returncode == status and account["end"]["unrepaired"] == 7 - repaired
    assert {account["end"][k] for k in ("tables", "pinned", "flagged", "bare")} == {None}
    text = xenpin("boot", "--log", log).stdout
    assert f"7 flags by struct-page init, {repaired} repaired, by the kernel's count; records tell of 0" in text
    assert "was given back with its records" in text and "no record tells" not in text


def test_a_stage_that_was_not_seen_to_end_took_nobody_knows_how_long(tmp_path):
    """What a log's header expects of so many nodes, and no record tells of."""
    for nodes, known in ((0, 0), (1, None), (3, None)):
        log = tmp_path / "log"
        log.write_bytes(made.log_header(0, 0, nodes).ljust(4096, b"\0"))
        (account,) = lab.parse(xenpin("boot", "--log", log, "--json").stdout)
        assert (account["deferred_ns"], account["deferred_pages"]) == (known, known)
        assert len(account["nodes"]) == nodes
        (tmp_path / "a").write_text(json.dumps({**account, "boot_ns": 5}))
        compared = xenpin("boot", "--compare", tmp_path / "a", tmp_path / "a")
        said = r"0\.000 ms" if known == 0 else "unknown"
        assert re.search(rf"^deferred stage +{said} +{said}$", compared.stdout, re.M)


WHOLE = {"schema": 3, "type": "boot", "incomplete": []}


@pytest.mark.parametrize("a, b", [(-(1 << 63), (1 << 63) - 1), ((1 << 63) - 1, -(1 << 63)), (-1, 5), (5, -1), (None, 5),
                                  (5, "5"), (5.5, 5), (True, 5), ([], {})])
def test_times_of_which_there_is_no_difference(tmp_path, a, b):
    for name, ns in (("a", a), ("b", b)):
        (tmp_path / name).write_text(json.dumps({**WHOLE, "boot_ns": ns}))
    for options in [], ["--json"]:
        result = xenpin("boot", "--compare", tmp_path / "a", tmp_path / "b", *options)
        assert result.returncode == 5 and "faster" not in result.stdout and "slower" not in result.stdout
        assert "does not know how long the whole boot took" in result.stderr
    assert json.loads(result.stdout)["difference_ns"] is None


@pytest.mark.parametrize("incomplete", [["a gap"], None, "a gap", "", 0, 1, True, {}, {"a": 1}, ...])
def test_an_account_that_does_not_say_that_it_is_complete_is_not(tmp_path, incomplete):
    account = {**WHOLE, "boot_ns": 5, "incomplete": incomplete}
    if incomplete is ...:
        del account["incomplete"]
    (tmp_path / "a").write_text(json.dumps(account))
    (tmp_path / "b").write_text(json.dumps({**WHOLE, "boot_ns": (1 << 63) - 1}))
    for first, second in ("ab", "ba"):
        result = xenpin("boot", "--compare", tmp_path / first, tmp_path / second)
        assert result.returncode == 5 and "does not say that it is complete" in result.stderr
    assert xenpin("boot", "--compare", tmp_path / "b", tmp_path / "b").returncode == 0


@pytest.mark.parametrize("changes, status, said", [
    ({"kernel": "6.12"}, 0, "the accounts are of different kernels: 6.1 and 6.12"),
    ({"pinned": "repair"}, 0, "the accounts are with different xenpin.pinned=: early and repair"),
    ({"domain": "domU"}, 0, "the accounts are of different domains: dom0 and domU"),
    ({"exact": False}, 5, "one account is of a boot log and one of the kernel's messages, which begin later"),
    ({"schema": 99}, 2, "its schema is 99, this xenpin knows 3"),
    ({"schema": None}, 2, "its schema is 0, this xenpin knows 3"),
    ({"kernel": None, "pinned": None, "domain": None}, 0, ""),
])
def test_what_makes_accounts_hard_to_compare(tmp_path, changes, status, said):
    account = {**WHOLE, "boot_ns": 5, "exact": True, "kernel": "6.1", "domain": "dom0", "pinned": "early"}
    (tmp_path / "a").write_text(json.dumps(account))
    (tmp_path / "b").write_text(json.dumps({**account, **changes}))
    result = xenpin("boot", "--compare", tmp_path / "a", tmp_path / "b")
    assert result.returncode == status and said in result.stderr and bool(said) == bool(result.stderr)
    assert ("faster" in result.stdout) == (status == 0)


@pytest.mark.parametrize("wrong, said", [
    ({"repaired": 8}, "it is a boot log, but its header says that more flags were repaired than erased"),
    ({"repaired": (1 << 64) - 1}, "more flags were repaired than erased"),
    ({"marked": 6}, "more flags are set in the deferred range than in all"),
])
def test_headers_that_contradict_themselves(tmp_path, wrong, said):
    log = tmp_path / "log"
    log.write_bytes(made.log_header(0, 7, **{"repaired": 7, **wrong}))
    result = xenpin("boot", "--log", log)
    assert result.returncode == 2 and said in one_sentence(result)


def test_repairs_that_no_record_tells_of(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(made.log_header(0, 7, repaired=7))
    result = xenpin("boot", "--log", log, "--json")
    (account,) = lab.parse(result.stdout)
    assert result.returncode == 5 and account["counted"] == {"erased": 7, "repaired": 7, "untracked": 0}
    assert "the kernel counted 7 repaired flags, the records tell of 0" in account["incomplete"]
