# SPDX-License-Identifier: GPL-2.0-only
"""Journals in each form in which journalctl prints them, the kernel's records between those of others.
Each form says the same; what a program says is its own, and where something is missing nothing is joined.
"""
import datetime
import json
import random
import struct

import pytest

from test_consoles import ask
from test_kinds import console
from test_variants import MIXED, NAMED, PLAIN, STAMP, TEXTS, account_of, full, same, verdicts, weaker

NAMES = [n for n in PLAIN if n not in NAMED | MIXED and b"(XEN)" not in TEXTS[n] and b"\0" not in TEXTS[n]]
STAMPED = [n for n in NAMES if all(STAMP.match(line) for line in TEXTS[n].splitlines())]
BEGIN = 1774737565000000	# µs since 1970


def record(message, seconds=None, boot="b0" * 16, host="host1", **more):
    """As the journal has it of a line of the kernel's, or of one that @more says is a program's."""
    fields = {"_TRANSPORT": "kernel", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": message,
              "_HOSTNAME": host, "_BOOT_ID": boot, **more}
    if seconds is not None and "_PID" not in more:
        fields = {"_SOURCE_MONOTONIC_TIMESTAMP": str(round(seconds * 1e6)), **fields}
    monotonic = round((seconds or 0) * 1e6)
    return {"__CURSOR": f"s=5c1f;i=2;b={boot};m={monotonic:x}", "__REALTIME_TIMESTAMP": str(BEGIN + monotonic),
            "__MONOTONIC_TIMESTAMP": str(monotonic), **fields}


def said(message, seconds, program="systemd", pid="1", **more):
    """What a program says; its label ends in a line feed, as AppArmor's do."""
    return record(message, seconds, **{
        "_TRANSPORT": "journal", "SYSLOG_IDENTIFIER": program, "_PID": pid, "_GID": "20", "_COMM": program,
        "_SELINUX_CONTEXT": "unconfined\n", **more})


def kernels(text, **more):
    """A record of each line of a console."""
    for line in text.decode("latin-1").splitlines():
        found = STAMP.match(line.encode("latin-1"))
        yield record(line[found.end() if found else 0:],
                     int(found[1]) + int(found[2]) / 1e6 if found else None, **more)


def is_text(value, lines):
    return all(c >= " " or c == "\t" or (lines and c == "\n") for c in value)


def as_export(records):
    def field(name, value):
        data = value.encode("latin-1")
        return b"%s=%s\n" % (name.encode(), data) if is_text(value, False) else b"%s\n%s%s\n" % (
            name.encode(), struct.pack("<Q", len(data)), data)
    return b"".join(b"".join(field(*f) for f in r.items()) + b"\n" for r in records)


def objects(records, bytes_of=lambda name, value: not is_text(value, True), **style):
    return [json.dumps({n: list(v.encode("latin-1")) if bytes_of(n, v) else v for n, v in r.items()}, **style).encode()
            for r in records]


def below(prefix, value):
    if not is_text(value, True):
        value = f"[{len(value)}B blob data]"
    return (prefix + value.replace("\n", "\n" + " " * len(prefix)) + "\n").encode("latin-1")


def time_of(r):
    return datetime.datetime.fromtimestamp(int(r["__REALTIME_TIMESTAMP"]) / 1e6, datetime.UTC)


def as_verbose(records):
    return b"".join(f"{time_of(r):%a %Y-%m-%d %H:%M:%S.%f} UTC [{r['__CURSOR']};x=1]\n".encode() + b"".join(
        below(f"    {n}=", v) for n, v in r.items() if n[:2] != "__") for r in records)


def as_short(records, time):
    out, boot = b"", {}
    for r in records:
        if boot.get(r["_HOSTNAME"], r["_BOOT_ID"]) != r["_BOOT_ID"]:
            out += b"-- Boot %s --\n" % r["_BOOT_ID"].encode()
        boot[r["_HOSTNAME"]] = r["_BOOT_ID"]
        pid = f"[{r['_PID']}]" if "_PID" in r else ""
        out += below(f"{time(r)} {r['_HOSTNAME']} {r['SYSLOG_IDENTIFIER']}{pid}: ", r["MESSAGE"])
    return out


def monotonic(r):
    return "{:5}.{:06}".format(*divmod(int(r["__MONOTONIC_TIMESTAMP"]), 1000000))


SHORT = {"short": lambda r: f"{time_of(r):%b %d %H:%M:%S}", "short-iso": lambda r: f"{time_of(r):%Y-%m-%dT%H:%M:%S%z}",
         "short-full": lambda r: f"{time_of(r):%a %Y-%m-%d %H:%M:%S} UTC",
         "short-unix": lambda r: "{}.{:06}".format(*divmod(int(r["__REALTIME_TIMESTAMP"]), 1000000)),
         "short-monotonic": lambda r: f"[{monotonic(r)}]",
         "short-delta": lambda r: f"[{monotonic(r)} <    0.000001 >]",
         "short-delta, of the first one": lambda r: f"[{monotonic(r)}                ]"}
WHOLE = {"export": as_export, "json": lambda records: b"\n".join(objects(records)) + b"\n",
         "json of bytes": lambda records: b"\n".join(objects(records, lambda n, v: n == "MESSAGE")) + b"\n",
         "json-pretty": lambda records: b"\n".join(objects(records, indent=8)) + b"\n",
         "json-seq": lambda records: b"".join(b"\x1e%s\n" % o for o in objects(records)),
         "json-sse": lambda records: b"".join(b"data: %s\n\n" % o for o in objects(records)),
         "verbose": as_verbose}
FORMS = {**WHOLE, **{name: lambda records, time=time: as_short(records, time) for name, time in SHORT.items()}}
every_form = pytest.mark.parametrize("form", FORMS)


def judge(form, records):
    return account_of(FORMS[form](list(records)))


LABELLED = {"_SELINUX_CONTEXT": "unconfined\n", "_EXE": "\x05\n\x07", "_GID": "20"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", WHOLE)
def test_each_form_of_records_says_the_same(form, name):
    """With others' records, labels, numbers and bytes in between."""
    lines = list(kernels(TEXTS[name]))
    same(full(name), judge(form, lines))
    for n in range(len(lines), 0, -3):
        lines[n:n] = [said("ok\n  Started foo=3D.\n\nx", 99, "foo", "77", **LABELLED)]
    same(full(name), judge(form, lines))


@pytest.mark.parametrize("name", STAMPED)
@pytest.mark.parametrize("form", ["short-monotonic", "short-delta", "short-delta, of the first one"])
def test_each_form_with_stamps_says_the_same(form, name):
    lines = list(kernels(TEXTS[name]))
    same(full(name), judge(form, lines))
    lines[1:1] = [said("ok\nStarted foo.", 0, "foo", "77")]
    same(full(name), judge(form, lines))


LIVES = list(kernels(TEXTS["lives-repaired"]))
OOPS = TEXTS["old-4.15-erased"]
BARE = "\n".join(r["MESSAGE"] for r in kernels(OOPS))


@every_form
def test_what_programs_tell_of_the_guest(form):
    begin, later = LIVES[:-1], LIVES[-1:]
    without_init = [r for r in LIVES if "init process" not in r["MESSAGE"]]
    assert judge(form, LIVES)[0] == 0
    assert judge(form, without_init)[0] == 5
    assert judge(form, [*without_init, said("Reached target foo.", 90)])[0] == 0
    frozen = [said("Caught <SEGV>, dumped core as pid 312.", 98), said("Freezing execution.", 98)]
    assert judge(form, [*LIVES, *frozen])[0] == 5
    assert judge(form, [*begin, said("a\nFreezing execution.\nb", 98), *later])[0] == 5


@every_form
def test_lines_that_the_journal_missed(form):
    missed = said("Missed 17 kernel messages", 2, "systemd-journald", "212", _TRANSPORT="driver")
    lines = list(kernels(TEXTS["series"]))
    rip = next(n for n, r in enumerate(lines) if r["MESSAGE"].startswith("RIP: "))
    assert any(o["address"] and o["rip"] for boot in judge(form, lines[:rip + 1])[1]["boots"] for o in boot["oopses"])
    for at in range(rip - 3, rip + 1):
        weaker([full("series")], judge(form, [*lines[:at], missed, *lines[at:]]))
        status, account = judge(form, [*lines[:at], missed, *lines[at:rip + 1]])
        assert not any(o["address"] and o["rip"] for boot in account["boots"] for o in boot["oopses"])
    assert judge(form, [*LIVES, missed])[0] == 5


@every_form
@pytest.mark.parametrize("quote", [BARE, OOPS.decode(), as_export(kernels(OOPS)).decode(), "{\n" + BARE,
                                   b"\n".join(objects(kernels(OOPS))).decode(), as_verbose(kernels(OOPS)).decode()],
                         ids=["bare", "stamped", "export", "bracket", "json", "verbose"])
def test_what_a_program_quotes_is_no_death(form, quote):
    """Below the first line of its message, or in a field that nobody reads."""
    crash = said("the dump follows:\n" + quote, 90, "abrt-dump-oops", "731")
    status, account = judge(form, [*LIVES, crash, *kernels(b"[   99.000000] eth0: link up\n")])
    assert status == 5 and not any(boot["oopses"] for boot in account["boots"]), account["text"]
    if form in WHOLE and form != "verbose":
        status, _ = judge(form, [*LIVES, said("x", 90, "foo", "731", FOO=f"a\n\n{quote}\n\n")])
        assert status == 0


@every_form
def test_a_message_with_bytes_is_there_or_missing(form):
    """In a form that says only how many they are, it may be anything."""
    bytes_of = next(kernels(b"[   90.000000] BUG: Bad page map in process \x1bfoo  pte:80000001e5b3f025\n"))
    assert judge(form, [*LIVES, bytes_of])[0] == 5
    quiet = judge(form, [*LIVES, *kernels(b"[   90.000000] x\x01y\n")])
    assert quiet[0] == (0 if form in WHOLE and form != "verbose" else 5)
    assert judge(form, [*LIVES, said("x\x01y", 90, "foo", "731")])[0] == 0
    for size in ("55B", "1.5K"):
        assert ask(TEXTS["lives-repaired"] + b"[   90.000000] [%s blob data]\n" % size.encode()).returncode == 5


@pytest.mark.parametrize("form", WHOLE)
def test_cut_anywhere(form):
    """Nothing is clean that ends in a record; and what is there, lines as lines, is the same."""
    died = [*LIVES, said("x\ny", 90, "foo", "7"), *kernels(b"[   91.000000] Kernel panic - not syncing: x\n")]
    text, r = FORMS[form](died), random.Random(form)
    ends = {len(FORMS[form](died[:n])) for n in range(len(LIVES), len(died))}
    # The line feeds behind a record are of none, and of -o verbose the last fields are no matter.
    ends |= {end - 1 for end in ends if form != "export"} | {end - 2 for end in ends if form == "json-sse"}
    clean = {at for at in {*r.sample(range(len(text)), 200), *ends, *(end + n for end in ends for n in range(-3, 60))}
             if at <= len(text) and ask(text[:at]).returncode == 0}
    assert ends & clean
    if form != "verbose":
        cut = account_of(FORMS[form](died[:-1])[:-20])[1]
        assert cut["verdict"]["class"] == "lives" and "ends in the middle of a record" in cut["text"]
    if form == "verbose":
        assert not any(at >= text.index(b"panic") for at in clean)
    else:
        assert clean <= ends, sorted(clean - ends)


@pytest.mark.parametrize("form", WHOLE)
def test_hosts_and_boots_in_one_journal(form):
    """Each record is of its host and boot, wherever it stands."""
    r = random.Random(form)
    old, other = TEXTS["old-4.15-erased"], TEXTS["null-with-caller-ids"]
    for more in ({"host": "host2"}, {"boot": "b1" * 16}):
        mixed, a, b = [], list(kernels(old)), list(kernels(other, **more))
        while a or b:
            mixed.append((a if a and (not b or r.random() < 0.5) else b).pop(0))
        status, account = judge(form, mixed)
        assert status == 1 and len(account["boots"]) == 2
        assert verdicts(full("old-4.15-erased")[1]) | verdicts(full("null-with-caller-ids")[1]) == verdicts(account)
        assert "missing" not in str(account["notes"])
        # Of one that has no end the other's is none.
        lost = TEXTS["old-2.6.24-lost"].split(b"CR2:")[0]
        assert judge(form, kernels(lost))[0] == 1
        assert judge(form, [*list(kernels(lost))[:1], *list(kernels(lost, **more))[1:]])[0] == 5


@pytest.mark.parametrize("name", NAMES)
def test_any_two_hosts_in_one_journal(name):
    """Whatever they say: an oops, or warnings without end; each has what it has alone."""
    r = random.Random(name)
    for other in r.sample(NAMES, 4):
        a, b, mixed = list(kernels(TEXTS[name])), list(kernels(TEXTS[other], host="host2")), []
        while a or b:
            mixed.append((a if a and (not b or r.random() < 0.5) else b).pop(0))
        account = judge("json", mixed)
        weaker([full(name), full(other)], account)
        assert (1 in (full(name)[0], full(other)[0])) == (account[0] == 1)


@pytest.mark.parametrize("form", FORMS)
def test_the_last_line_of_a_boot_is_whole(form):
    """What stands between boots is no rest of it."""
    for name in STAMPED:
        for end in (None, -1, -2):
            lines = list(kernels(TEXTS[name]))[:end]
            if lines:
                status, account = judge(form, [*lines, *kernels(TEXTS["lives"], boot="b1" * 16)])
                assert (status == 1) == (judge("json", lines)[0] == 1), name


@pytest.mark.parametrize("form", [*WHOLE, "short-monotonic", "short-delta"])
def test_a_program_between_the_kernels_lines(form):
    """Whenever it spoke, and whatever the line before ends in."""
    for name in STAMPED:
        lines = list(kernels(TEXTS[name]))
        for at in range(len(lines), 0, -5):
            same(full(name), judge(form, [*lines[:at], said("x", 3000, "(foo)", "77"), *lines[at:]]))


@pytest.mark.parametrize("form", [*WHOLE, "short"])
def test_what_the_next_boot_says_again_is_not_of_the_one_before(form):
    """Such as that it lives, of a guest that died."""
    begin, lost = [said("Reached target foo.", 2)], TEXTS["old-2.6.24-lost"]
    died = [*begin, *kernels(lost.replace(b"Pid: 0", b"Pid: 9"))]
    for again in ([said("Reached target foo.", 2, boot="b1" * 16)], list(kernels(
            b"[    2.000000] Run /init as init process\n[   99.000000] x\n", boot="b1" * 16))):
        status, account = judge(form, [*died, *again])
        assert status == 1 and len(account["boots"]) == 2
        (died_of,) = [boot for boot in account["boots"] if boot["oopses"]]
        assert not died_of["oopses"][0]["survived"]
        assert died_of["verdict"]["text"].startswith("The guest died")
    assert "a task of it, died" in judge(form, [*died, *begin])[1]["text"]


def test_what_is_said_again_after_time_went_back_is_of_another_boot():
    says = b"[%5d.000000] systemd[1]: Reached target foo.\n"
    lost = console(pid="9", boot=[]).encode()
    status, account = account_of(says % 2 + lost + says % 3)
    assert status == 1
    assert [o["survived"] for boot in account["boots"] for o in boot["oopses"]] == [False]
    assert account_of(says % 2 + lost + says % 9)[1]["boots"][0]["oopses"][0]["survived"]


@pytest.mark.parametrize("number", [3, 47, 48, 49, 60])
def test_the_newest_of_many_boots(number):
    many = [r for n in range(number) for r in kernels(TEXTS["lives-repaired"], boot=f"{n:032}")]
    status, account = judge("json", many)
    assert status == 0 and len(account["boots"]) == number
    status, account = judge("json", [*many, *kernels(OOPS, boot="f" * 32)])
    assert status == 1 and account["text"].startswith("The guest died")


@pytest.mark.parametrize("form", WHOLE)
def test_records_that_do_not_say_whose_they_are(form):
    """With --output-fields=MESSAGE nobody can tell a program's quotation from a death."""
    kept = {"__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "MESSAGE"}
    unowned = [{n: v for n, v in r.items() if n in kept} for r in kernels(OOPS)]
    run = ask(FORMS[form](unowned))
    assert run.returncode == 2 and b"leave --output-fields away" in run.stderr
    status, account = judge(form, [*LIVES, *unowned])
    assert status == 5 and "do not say who printed them" in " ".join(account["notes"])


@pytest.mark.parametrize("length", [0, 5, 299, 301, 10**6, 1 << 35, (1 << 64) - 1, struct.unpack("<Q", b"Kernel p")[0]])
def test_lengths_that_are_none(length):
    """What follows may be of that value, up to the next record."""
    value = struct.pack("<Q", length) + (b"a\n\n" + OOPS + b"\n" * 300)[:300]
    text = as_export(LIVES)[:-1] + b"FOO\n" + value + b"\n\n" + as_export(kernels(b"[   99.000000] eth0: up\n"))
    status, account = account_of(text)
    assert status == 5 and not any(boot["oopses"] for boot in account["boots"])
    assert account_of(text + as_export(kernels(OOPS)))[0] == (1 if length != 10**6 else 5)


def test_a_record_that_is_damaged():
    """Nothing is joined across it, and what is left of it is no console."""
    for form in ("json", "json-pretty", "json-seq", "json-sse"):
        lines = objects(kernels(OOPS), indent=8 if form == "json-pretty" else None)
        r = random.Random(form)
        for _ in range(40):
            at = r.randrange(len(lines))
            cut = r.randrange(2, len(lines[at]))
            broken = [*lines[:at], lines[at][:cut], *lines[at + 1:]]
            weaker([full("old-4.15-erased")], account_of(b"\n".join(broken) + b"\n"))
            broken[at] = lines[at][:1] + lines[at][cut:]
            weaker([full("old-4.15-erased")], account_of(b"\n".join(broken) + b"\n"))


