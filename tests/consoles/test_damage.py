# SPDX-License-Identifier: GPL-2.0-only
"""The consoles of this directory as they come when something went wrong on their way: wrapped by a
mail program, with lines lost, repeated, or of another report between them, and with digits gone.
Whatever is left may make a verdict weaker, and never stronger or another one.
"""
import html
import json
import random
import re
import textwrap

import pytest

from test_consoles import NAMES
from test_variants import MIXED, NAMED, PLAIN, STAMP, TEXTS, WHOLE_ONLY, account_of, full, same, weaker

ROUNDS = 6
TEXT = [name for name in NAMES if b"\0" not in TEXTS[name]]
WHOLE = [name for name in TEXT if name not in WHOLE_ONLY]


def fold(text, width):
    """As `fold` and terminals do."""
    return b"".join(line[at:at + width] + b"\n" for line in text.splitlines()
                    for at in range(0, max(len(line), 1), width))


def at_words(text, width):
    """As mail programs do."""
    wrap = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    return b"".join(piece.encode("latin-1") + b"\n" for line in text.decode("latin-1").splitlines()
                    for piece in wrap.wrap(line) or [""])


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("wrap", [fold, at_words])
def test_wrapped(wrap, name):
    for width in (50, 60, 64, 70, 72, 76, 78, 80, 100):
        weaker([full(name)], account_of(wrap(TEXTS[name], width)))


REPORTS = [
    [b"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [xenbus:33]", b"CPU"],
    [b"NMI backtrace for cpu 1", b"CPU"],
    [b"Sending NMI from CPU 0 to CPUs 1:", b"NMI backtrace for cpu 1", b"CPU"],
    [b"rcu: INFO: rcu_sched self-detected stall on CPU", b"rcu: \t1-....: (5250 ticks this GP)", b"CPU"],
    [b"INFO: rcu_sched detected stalls on CPUs/tasks: { 1} (detected by 0, t=5252 jiffies)", b"CPU"],
    [b"BUG: scheduling while atomic: xenbus/33/0x00000002", b"CPU"],
    [b"BUG: sleeping function called from invalid context at mm/slab.h:421", b"CPU"],
    [b"INFO: task xenbus:33 blocked for more than 120 seconds.",
     b"task:xenbus          state:D stack:    0 pid:   33 ppid:     2 flags:0x00004000"],
    [b"sysrq: Show Blocked State", b"task:xenbus          state:D stack:    0 pid:   33 ppid:     2"],
    [b"SysRq : Show backtrace of all active CPUs", b"CPU"],
    [b"watchdog: Watchdog detected hard LOCKUP on cpu 1", b"CPU"],
    [b"------------[ cut here ]------------", b"WARNING: CPU: 1 PID: 33 at lib/refcount.c:25 refcount_warn+0x5/0x10",
     b"CPU"],
    [b"CPU"],		# its first line is lost
]
REGISTERS = [
    b"CPU: 1 PID: 33 Comm: xenbus Not tainted %s #1", b"RIP: e030:%s+0xa/0x20",
    b"CR2: 00007f5a3c0ff000 CR3: 0000000002c10000 CR4: 0000000000050660", b"Call Trace:",
    b" xen_poll_irq_timeout+0x3c/0x60", b" xenbus_thread+0x8a/0x110",
]
RELEASE = re.compile(rb"(?:Linux version|ainted:?(?: [A-Z ]+)?) (\d\S+)")


def stamp_at(lines, at):
    """What stands before the line there, so that another line may stand beside it."""
    if at < len(lines):
        found = STAMP.match(lines[at])
        return found[0] if found else b""
    return b""


def foreign_report(text, r):
    release = RELEASE.search(text)
    said = list(r.choice(REPORTS))
    if said[-1] == b"CPU":
        function = r.choice([b"xen_set_pmd", b"native_set_pte", b"xen_hypercall_sched_op"])
        said[-1:] = [line % function if line.startswith(b"RIP") else
                     line % (release[1] if release else b"6.1.0") if line.startswith(b"CPU") else line
                     for line in REGISTERS]
    return said


@pytest.mark.parametrize("name", [n for n in PLAIN if n in WHOLE and n not in NAMED])
def test_a_report_of_another_cpu_in_between(name):
    """Its registers and its trace are of no oops, whatever stands around them."""
    r = random.Random(name)
    for _ in range(3 * ROUNDS):
        lines = TEXTS[name].splitlines()
        at = r.randrange(len(lines) + 1)
        lines[at:at] = [stamp_at(lines, at) + line for line in foreign_report(TEXTS[name], r)]
        weaker([full(name), LIVING], account_of(b"\n".join(lines) + b"\n"))


# What the report alone may be called: of nothing that died.
LIVING = account_of(b"[    1.000000] Linux version 6.1.0 (a@b) #1\n[    2.000000] WARNING: CPU: 1 PID: 33 at "
                    b"lib/refcount.c:25 refcount_warn+0x5/0x10\n")

GAPS = [b"** 17 printk messages dropped **", b"** 1 printk messages dropped ** ", b"[...]", b"...",
        b"[snip]", b"<snip>"]


def kinds(account):
    """What each oops has of lines that stand apart."""
    return [(o["address"] is not None, o["error_code"] is not None, o["rip"] is not None)
            for boot in account["boots"] for o in boot["oopses"]]


@pytest.mark.parametrize("name", [n for n in PLAIN if n in WHOLE])
def test_dropped_messages(name):
    """Whatever is lost in a gap, and wherever that is."""
    r = random.Random(name)
    for _ in range(2 * ROUNDS):
        lines = TEXTS[name].splitlines()
        for _ in range(r.randint(1, 2)):
            at = r.randrange(len(lines) + 1)
            lines[at:at + r.randrange(4)] = [r.choice(GAPS)]
        weaker([full(name)], account_of(b"\n".join(lines) + b"\n"))


@pytest.mark.parametrize("gap", GAPS)
def test_nothing_is_joined_across_a_gap(gap):
    """Of two oopses that look like one, where the lines between them are lost."""
    text = TEXTS["series"].splitlines()
    first = next(n for n, line in enumerate(text) if b"BUG: unable" in line)
    rip = next(n for n, line in enumerate(text) if b"RIP: " in line)
    for at in range(first + 1, rip + 1):
        said = text[first:at] + [gap] + text[rip:rip + 2]
        _, account = account_of(b"\n".join(said) + b"\n")
        assert not any(address and function for address, _, function in kinds(account))
    _, account = account_of(b"\n".join(text[first:rip + 2]) + b"\n")
    assert kinds(account) == [(True, True, True)]


def test_nothing_is_joined_across_a_part_that_is_missing():
    text = b"".join(b"<4>" + line + b"\n" for line in TEXTS["series"].splitlines())
    middle = text.index(b"Oops: 0003")
    def dump(numbers):
        parts = {5: text[:middle - 30], 4: text[middle - 30:middle + 60], 3: text[middle + 60:]}
        return b"".join(b"Panic#1 Part%d\n%s" % (n, parts[n]) for n in numbers)
    assert kinds(account_of(dump([3, 4, 5]))[1])[0] == (True, True, True)
    account = account_of(dump([3, 5]))[1]
    assert not any(address and function for address, _, function in kinds(account))
    assert any("missing" in note for note in account["notes"])


@pytest.mark.parametrize("name", WHOLE)
def test_lines_lost_and_repeated(name):
    r = random.Random(name)
    for _ in range(2 * ROUNDS):
        lines = TEXTS[name].splitlines()
        for _ in range(r.randint(1, 3)):
            at = r.randrange(len(lines))
            if r.random() < 0.6 and len(lines) > 1:
                del lines[at:at + r.randint(1, 3)]
            else:
                lines.insert(at, lines[at])
            if not lines:
                break
        weaker([full(name)], account_of(b"\n".join(lines) + b"\n"))


NUMBER = re.compile(rb"(?<![\w.:+-])(?:0x)?[0-9a-f]{4,16}(?![\w.])")


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in MIXED])
def test_digits_lost_at_the_end_of_a_line(name):
    """A number without its end is no number: of the last one of a line, as a serial line loses them."""
    lines = TEXTS[name].splitlines()
    for n, line in enumerate(lines):
        if not re.search(rb"(PTE|address:|CR2:|cr2|request at|Not tainted) ?\S+$", line):
            continue
        for lost in range(1, 16):
            if line[-lost - 1:-lost] == b" ":
                break
            weaker([full(name)], account_of(b"\n".join(lines[:n] + [line[:-lost]] + lines[n + 1:]) + b"\n"))


def records(text):
    """As the journal has it, a dictionary a line."""
    for line in text.decode("latin-1").splitlines():
        record = {"__CURSOR": "s=5c1f;i=2" * 30, "_BOOT_ID": "5c1f", "PRIORITY": "4", "_HOSTNAME": "host1",
                  "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}
        found = STAMP.match(line.encode("latin-1"))
        if found:
            record["_SOURCE_MONOTONIC_TIMESTAMP"] = str(int(found[1]) * 1000000 + int(found[2]))
        record["MESSAGE"] = line[found.end() if found else 0:]
        yield record


def as_json(text):
    """As `journalctl -k -o json` has it."""
    return "".join(json.dumps(record) + "\n" for record in records(text)).encode()


def as_bytes(text):
    """As that has messages which are no UTF-8."""
    return "".join(json.dumps({**record, "MESSAGE": list(record["MESSAGE"].encode("latin-1"))}) + "\n"
                   for record in records(text)).encode()


def as_export(text):
    """As `journalctl -k -o export` has it."""
    return "".join("".join(f"{name}={value}\n" for name, value in record.items()) + "\n"
                   for record in records(text)).encode("latin-1")


def page(text, end):
    said = html.escape(text.decode("latin-1")).replace("\n", end)
    return b"<html><body><pre>\n" + said.encode("latin-1") + b"</pre></body></html>\n"


@pytest.mark.parametrize("name", [n for n in PLAIN if b"\0" not in TEXTS[n]])
def test_records_and_pages(name):
    same(full(name), account_of(page(TEXTS[name], "\n")))
    weaker([full(name)], account_of(page(TEXTS[name], "<br/>")))
    if name not in NAMED | MIXED and b"(XEN)" not in TEXTS[name]:
        for journal in (as_json, as_bytes, as_export):
            same(full(name), account_of(journal(TEXTS[name])))


@pytest.mark.parametrize("name", WHOLE)
def test_what_follows_an_export_is_read(name):
    """A line that is no field ends a record, behind which a death would look like a life."""
    export, found = as_export(TEXTS["lives-repaired"]), full(name)[0]
    status, account = account_of(export + TEXTS[name])
    assert (status == 1) == (found == 1)
    assert status != 0 or found == 0, account["text"]
    # Behind a value in bytes nobody can tell its lines from others without a stamp: a gap, and never clean.
    status, account = account_of(export + b"MESSAGE\n\x05\0\0\0\0\0\0\0a\nb c\n" + TEXTS[name])
    assert status != 1 or found == 1
    assert status != 0 or found == 0, account["text"]


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in NAMED | MIXED and b"(XEN)" not in TEXTS[n]])
def test_an_export_that_lost_something(name):
    """A field in bytes, a record without its end, and lines that are no records."""
    export = as_export(TEXTS[name])
    rng = random.Random(name)
    lines = export.splitlines(keepends=True)
    for _ in range(ROUNDS):
        at = rng.randrange(len(lines))
        weaker([full(name)], account_of(b"".join(lines[:at] + lines[at + 1 + rng.randrange(12):])))
        weaker([full(name)], account_of(export[:rng.randrange(len(export))]))
    binary = re.sub(rb"(?m)^MESSAGE=(.*)$", lambda m: b"MESSAGE\n" + len(m[1]).to_bytes(8, "little") + m[1]
                    if rng.random() < 0.2 else m[0], export)
    weaker([full(name)], account_of(binary))
