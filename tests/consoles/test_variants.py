# SPDX-License-Identifier: GPL-2.0-only
"""The consoles of this directory as they also come: behind prefixes, in other encodings, cut,
shuffled, two at once.  What takes no line away changes nothing; what does, or what mixes lines, may
make a verdict weaker, and never stronger or another one; and it joins no facts of two oopses.
"""
import json
import quopri
import random
import re

import pytest

from test_consoles import HERE, NAMES, ask, judge

TEXTS = {name: (HERE / f"{name}.log").read_bytes() for name in NAMES}
# Files that are such a variant themselves.
ENCODED = {"xen-in-a-changelog", "xen-bad-flags-in-a-mail", "broken-by-a-mail", "mc-debug-in-a-mail",
           "mail-cut-before-plain-lines", "mail-cut-at-the-break", "text-poke-in-a-mail",
           "pstore-parts", "pstore-two-dumps", "journal-reversed", "wrapped-at-80-columns",
           "two-consoles-print-the-same", "hole-of-a-lost-disk-block"}
PLAIN = [name for name in NAMES if name not in ENCODED]
# Its lines belong to two guests, and the whole says of neither what a piece of it may say.
MIXED = {"registers-of-32-bits", "two-guests-through-one-line", "registers-of-another-hand",
         "registers-of-another-caller"}
# Only their stamps show that.
BY_STAMP = {"registers-of-another-hand", "registers-of-another-caller"}
# What a piece lacks shows that the hypervisor lives; where a part of pstore ends nobody can see.
WHOLE_ONLY = MIXED | {"hypervisor-registers-of-a-warning", "pstore-parts", "pstore-two-dumps",
                      "xen-foreign-mapping"}
# Lines without any stamp, before which a name cannot be told from a word.
BARE = {"multicall-of-2.6.35", "bug-of-a-refused-batch"}
# An early panic goes past printk(), which stamps all other lines: no journal has it, and names its host.
EARLY = {name for name in NAMES if b"\nPANIC: early exception" in TEXTS[name]}
NAMED = {"two-guests", "two-guests-stock", "old-2.6.26-syslog", "multicall-loop"}	# lines have prefixes


def account_of(text):
    run = ask(text, "--json")
    assert run.returncode in (0, 1, 2, 5), run
    return run.returncode, json.loads(run.stdout) if run.stdout else None


FULL = {}


def full(name):
    if name not in FULL:
        FULL[name] = judge(TEXTS[name])
    return FULL[name]


def verdicts(account):
    """All that are in it, as (class, grade)."""
    every = [account["verdict"]] + [d["verdict"] for d in account["xen"]["domains"]]
    for boot in account["boots"]:
        every += [boot["verdict"]] + [oops["verdict"] for oops in boot["oopses"]]
    if account["xen"]["died"]:
        every.append(account["xen"]["died"])
    return {(v["class"], v["grade"]) for v in every}


def facts(account):
    return [(o["address"], o["error_code"], o["rip"], o["bug_at"], o["kernel"])
            for boot in account["boots"] for o in boot["oopses"]]


def same(a, b):
    assert a[0] == b[0]
    assert (a[1] is None) == (b[1] is None)
    if a[1]:
        assert {**a[1]["verdict"], "lines": 0} == {**b[1]["verdict"], "lines": 0}
        assert verdicts(a[1]) == verdicts(b[1]) and facts(a[1]) == facts(b[1])


# What less knowledge of the same death makes of a verdict.
WEAKER = {"erased": {"lost-flag"}, "lost-flag": set(), "written-past": {"pin-refused", "refused"},
          "pin-refused": {"refused"}, "refused": {"not-this-class"}, "not-this-class": set(),
          "not-pv": {"not-this-class"}, "lives": set(), "cannot-tell": set()}
FINDINGS = {"erased", "lost-flag", "written-past", "pin-refused"}
GRADES = ["unknown", "likely", "shown"]


def weaker(whole, part):
    """@part says nothing that one of the accounts in @whole does not say at least as strongly."""
    status, account = part
    if account is None:
        return
    statuses = {s for s, _ in whole}
    assert status != 1 or 1 in statuses, account["text"]
    said = set().union(*(verdicts(a) for _, a in whole if a))
    assert status != 0 or ("lives", "shown") in said, account["text"]
    for cls, grade in verdicts(account) - said - {("cannot-tell", "unknown"), ("lives", "likely")}:
        grades = [g for c, g in said if c == cls]
        assert grades or any(cls in WEAKER[c] for c, _ in said), (cls, account["text"])
        if grades and cls in FINDINGS:
            assert GRADES.index(grade) <= max(map(GRADES.index, grades)), account["text"]
    known = [f for _, a in whole if a for f in facts(a)]
    for fact in facts(account):
        assert any(all(x is None or x == y for x, y in zip(fact, other)) for other in known), fact


def each_line(function):
    def change(text):
        lines = text.split(b"\n")
        return b"\n".join(function(line) if line else line for line in lines[:-1]) + b"\n" + (
            function(lines[-1]) if lines[-1] else b"")
    return change


PREFIXES = [b"<4>", b"[2026-03-28 22:39:25] ", b"2026-03-28 22:39:25 ", b"2026-03-28 22:39:25.123 ",
            b"2025-05-21T10:59:23.313317+00:00 host1 kernel: ", b"2025-05-21T10:59:23,313317+0000 ",
            b"Nov 27 02:10:11 host1 kernel: ", b"Nov  7 02:10:11.123456 host1 kernel: ",
            b"kern  :emerg : ", b"> ", b"> > ", b"(d5) ", b"kernel: ", b"02:10:11 ", b"[02:10:11] ",
            b"Fri 2026-11-27 02:10:11 UTC host1 kernel: ", b"1732673411.123456 host1 kernel: ", b"   ",
            b"Nov 27 02:10:11 host1 kernel: <4>", b"[2026-03-28 22:39:25.123] <6>"]


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in NAMED])
def test_prefixes(name):
    for prefix in PREFIXES:
        # What Xen says of another domain is not about the guest of that name.
        if b"\0" in TEXTS[name] or (prefix == b"(d5) " and b"(XEN)" in TEXTS[name]):
            continue
        same(full(name), account_of(each_line(lambda line: prefix + line)(TEXTS[name])))


STAMP = re.compile(rb"^\[ *(\d+)\.(\d{6})\](\[ *[TC]\d+\])? ")


def restamp(function):
    return each_line(lambda line: STAMP.sub(function, line))


STAMPS = {
    "caller ids": restamp(lambda m: m[0][:-1].replace(m[3] or b"", b"") + b"[    T0] "),
    "dates of dmesg -T": restamp(lambda m: b"[Fri Nov 27 02:10:11 2026] "),
    "differences of dmesg -d": restamp(lambda m: b"[%s.%s <    0.000013>] " % (m[1].rjust(5), m[2])),
    "the journal's, with a host": restamp(lambda m: m[0][:m[0].index(b"]") + 1] + b" host1 kernel: "),
    "the journal's, with differences": restamp(
        lambda m: b"[%s.%s <    0.000013*>] host1 kernel: " % (m[1].rjust(5), m[2])),
    "the journal's, and none": restamp(lambda m: b"[%s.%s%17s] host1 kernel: " % (m[1].rjust(5), m[2], b"")),
    "records of /dev/kmsg": restamp(lambda m: b"4,%d,%d,-;" % (1, int(m[1]) * 1000000 + int(m[2]))),
    "a name": each_line(lambda line: b"web3: " + line),
    "a column": each_line(lambda line: b"web3  | " + line),
    "another word": restamp(lambda m: b"foo/bar <1> " + m[0]),
}


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in NAMED | BY_STAMP])
@pytest.mark.parametrize("stamp", STAMPS)
def test_stamps(stamp, name):
    if name in BARE and stamp in ("a name", "a column"):
        return
    a, b = full(name), account_of(STAMPS[stamp](TEXTS[name]))
    hosts = stamp.startswith("the journal's") and name in EARLY
    if not hosts and (stamp != "dates of dmesg -T" or len(a[1]["boots"]) == 1):
        same(a, b)
    weaker([a], b)


def stamped(name):
    return any(STAMP.match(line) for line in TEXTS[name].splitlines())


def colour(line):
    stamp, subsystem, rest = re.match(rb"(\[[^]]*\] )?(\w+: )?(.*)", line).groups(b"")
    return b"\x1b[32m%s\x1b[0m\x1b[33m%s\x1b[0m\x1b[1m%s\x1b[0m" % (stamp, subsystem, rest)


def nuls(text):
    return text.replace(b"\n", b"\n\0").replace(b" ", b"\0 ")


ENCODINGS = {"crlf": lambda t: t.replace(b"\r", b"").replace(b"\n", b"\r\n"),
             "crcrlf": lambda t: t.replace(b"\r", b"").replace(b"\n", b"\r\r\n"),
             "colours": each_line(colour), "nuls": nuls, "mail": lambda t: quopri.encodestring(t),
             "utf-16": lambda t: t.decode("latin-1").encode("utf-16"),
             "utf-8 mark": lambda t: b"\xef\xbb\xbf" + t,
             "window titles": lambda t: t.replace(b"\n", b"\n\x1b]0;console\a"),
             "blank lines": lambda t: t.replace(b"\n", b"\n\n"),
             "trailing spaces": lambda t: t.replace(b"\n", b"  \n")}


@pytest.mark.parametrize("name", [n for n in PLAIN if b"\0" not in TEXTS[n]])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(encoding, name):
    # Of one line that ends in "at=20" nothing shows that a mail program wrote it.
    compare = (lambda a, b: weaker([a], b)) if (encoding, name) == ("mail", "cut-before-the-address") else same
    compare(full(name), account_of(ENCODINGS[encoding](TEXTS[name])))


SETTINGS = [b"Command line: root=/dev/xvda1 ro console=hvc0 panic=20", b"audit: type=1006 auid=0 ses=20",
            b"br0: url=http://host1/?q=3Dx", b"EXT4-fs (xvda1): mounted, quota=09", b"foo: ends in ="]


@pytest.mark.parametrize("name", [n for n in PLAIN if b"\0" not in TEXTS[n] and stamped(n)])
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_do_not_make_a_mail(setting, name):
    """A line of a guest that looks like one of a mail changes nothing in those behind it."""
    head, lines = (b"[    0.000000] %s\n" % words for words in (b"foo: url=http://host1/?q=3x", setting))
    same(account_of(head + TEXTS[name]), account_of(lines + TEXTS[name]))


def test_a_mail_is_over_at_last():
    """Its header does not make of another console's numbers what they are not."""
    lives = TEXTS["lives-repaired"]
    other = b"".join(b"[    0.00000%d] foo: a=1\n" % n for n in range(4))
    numbers = re.sub(rb"repaired=\d+", b"repaired=20", lives)
    mail = b"Content-Transfer-Encoding: quoted-printable\n\n[    0.000000] xen: x=3D1\n"
    assert account_of(mail + other + numbers)[1]["boots"][-1]["repaired"] == 20
    assert account_of(mail + quopri.encodestring(numbers))[1]["boots"][-1]["repaired"] == 20


@pytest.mark.parametrize("name", [n for n in PLAIN if b"\0" not in TEXTS[n]])
def test_parts_of_pstore(name):
    text = each_line(lambda line: b"<4>" + line)(TEXTS[name])
    for size in (97, 1013):
        parts = [text[at:at + size] for at in range(0, len(text), size)]
        dump = b"".join(b"Panic#1 Part%d\n%s" % (n + 1, part) for n, part in enumerate(reversed(parts)))
        # At the end of a part a rest that looks like a line cannot be told from one.
        weaker([full(name)], account_of(dump))
        if size > len(text):
            same(full(name), account_of(dump))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in WHOLE_ONLY])
def test_cut_at_every_line_and_inside(name):
    text, r = TEXTS[name], random.Random(name)
    ends = [m.end() for m in re.finditer(rb"\n", text)]
    for begin, end in zip([0] + ends, ends):
        for at in {end, r.randrange(begin, end), r.randrange(begin, end)}:
            weaker([full(name)], account_of(text[:at]))
            weaker([full(name)], account_of(text[at:]))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in MIXED])
def test_shuffled(name):
    r = random.Random(name)
    for _ in range(12):
        lines = TEXTS[name].splitlines(keepends=True)
        r.shuffle(lines)
        weaker([full(name)], account_of(b"".join(lines)))


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in NAMED])
def test_reversed(name):
    weaker([full(name)], account_of(b"".join(reversed(TEXTS[name].splitlines(keepends=True)))))


HEADLESS = {"mc-debug-of-6.9"}


def merge(a, b, r, chunk):
    """Lines of both, in pieces of at most @chunk of each in turn."""
    a, b, out = a.splitlines(), b.splitlines(), []
    while a or b:
        a, b = (b, a) if not a or r.random() < 0.5 else (a, b)
        n = r.randint(1, chunk)
        out, a = out + a[:n], a[n:]
    return b"\n".join(out) + b"\n"


@pytest.mark.parametrize("name", [n for n in PLAIN if b"\0" not in TEXTS[n] and n not in MIXED])
def test_two_at_once(name):
    r = random.Random(name)
    # Without stamps nothing tells two guests apart; and a trace without head fits any head.
    others = [n for n in PLAIN if b"\0" not in TEXTS[n] and n not in MIXED | HEADLESS
              and (stamped(name) or stamped(n))]
    for _ in range(12):
        other = r.choice(others)
        mixed = merge(TEXTS[name], TEXTS[other], r, r.choice([1, 2, 6]))
        weaker([full(name), full(other)], account_of(mixed))
