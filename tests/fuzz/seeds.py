# SPDX-License-Identifier: GPL-2.0-only
"""What the fuzzer starts from, made of the project's own files: seeds.py DIRECTORY."""
import html
import json
import re
import sqlite3
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import recordings as made  # noqa: E402

TRACES = sorted((ROOT / "tests/replay").glob("*.jsonl"))
NO_PFN = (1 << 64) - 1
KINDS = {"batch": 2, "alloc": 3, "release": 4, "pin": 5, "unpin": 6, "set": 8, "clear": 9,
         "erased": 17, "repaired": 18}
RUN, REFUSED = 20, 21
STAGES = [(kind, where) for kind in range(10, 16) for where in (0, 1, 3)] + [(19, 0)]


def number(text):
    return NO_PFN if text is None else int(text, 16)


def record(line, slot):
    """One line of a trace as the kernel's slots (include/record.h)."""
    kind = KINDS.get(line["type"], KINDS.get(line.get("what")))
    flags = line.get("pinned") is True
    if line.get("flag") is not None:
        flags |= 4 | 2 * line["flag"]
    ops = line.get("ops", [])
    if line["type"] == "batch":
        union = struct.pack("<IIQQ", line["entries"], len(ops), line["latency_ns"] or 0, 0)
        flags |= 16
    elif line["type"] == "mm":
        union = struct.pack("<QQQ", number(line["mm"]), number(line["pgd"]), 5)
    else:
        union = struct.pack("<QQQ", number(line["pfn"]), number(line.get("mm", "0")), 0)
    body = b"".join(struct.pack("<QQqBB6x", number(o["mfn"]), number(o["pfn"]), o["result"] or 0,
                                1 + (o["op"] == "unpin"), o["level"]) for o in ops)
    slots = 1 + (len(body) + 63) // 64
    head = struct.pack("<IBBHQIBBH16s", slot + 1, kind, slots, line["cpu"], line["t"], line["pid"],
                       line.get("level", 0), flags, 0, line["comm"].encode())
    return (head + union + body).ljust(slots * 64, b"\0"), slot + slots


def stages(slot):
    """A record of each stage of a boot, and a run of page tables."""
    out = b""
    for kind, where in [*STAGES, (RUN, 0)]:
        out += struct.pack("<IBBHQIBBH16sQQII", slot + 1, kind, 1, 0, slot * 1000, 0, 0, 0, where,
                           b"swapper", 0x8000, 300 if kind == RUN else 0x4000, 0, 1)
        slot += 1
    return out, slot


def refused(slot):
    """Entries that Xen refused: an mmu_update, an mmuext_op, another; and one that it overwrote."""
    out = b""
    for hypercall, command, count in ((1, 0, 3), (26, 13, 1), (14, 0, 1), (0xffff, 0xffff, 0xffff)):
        out += struct.pack("<IBBHQIBBH16sHhHHQQ", slot + 1, REFUSED, 1, 0, slot * 1000, 7, 0, 0, 0, b"x",
                           hypercall, -1, command, count, 0x1d8f008, 0x67)
        slot += 1
    return out, slot


def records(trace, count):
    out, slot = stages(0)
    more, slot = refused(slot)
    out += more
    for text in trace.read_text().splitlines()[:count]:
        line = json.loads(text)
        if line["type"] in ("batch", "table", "mm", "flag"):
            more, slot = record(line, slot)
            out += more
    return out, slot


def boot_logs():
    for trace in TRACES:
        slots, n = records(trace, 40)
        yield made.log_header(n, 3, nodes=1) + slots


def early_rings():
    for trace in TRACES:
        slots, n = records(trace, 20)
        yield struct.pack("<QQQQ", min(n, 64), 0, 0, 3) + slots


def consoles():
    """The example of kernel/README.md, an oops as Linux prints it, and all of tests/consoles."""
    (example,) = re.findall(r"((?:^ {4}xenpin: .*\n)+)", (ROOT / "kernel/README.md").read_text(), re.M)[:1]
    oops = ("[    0.000000] Linux version 6.1.192-xenpin (debian)\n"
            "[    2.6] BUG: unable to handle page fault for address: ffff88827392e068\n"
            "[    2.6] #PF: error_code(0x0003) - permissions violation\n"
            "[    2.6] Oops: 0003 [#1] PREEMPT SMP\n"
            "[    2.6] RIP: e030:xen_set_pmd+0x1f/0xb0\n"
            "[    2.6] Kernel panic - not syncing: Fatal exception\n")
    yield (oops + example).encode()
    yield "".join(f"(XEN) [    7.4] {line.strip()}\n" for line in example.splitlines()).encode()
    yield "".join(json.dumps({"_TRANSPORT": "kernel", "_HOSTNAME": "host1", "_BOOT_ID": "5c1f",
                              "_SOURCE_MONOTONIC_TIMESTAMP": "2600000", "MESSAGE": line}) + "\n"
                  for line in oops.splitlines()).encode()
    yield f"<html><pre>{html.escape(oops)}</pre><br>{html.escape(example)}</html>\n".encode()
    yield (b"PANIC: early exception 0x0e IP 10000e030:ffffffff81e0d0ff error 3 cr2 0xffff88827392e068\n"
           b"[    0.000000] RIP: e030:xen_set_pmd+0x1f/0xb0\n** 17 printk messages dropped **\n")
    for console in sorted((ROOT / "tests/consoles").glob("*.log")):
        yield console.read_bytes()


def messages():
    yield (b"6,0,0,-;Linux version 6.1.0\n6,100,1000,-;Memory: 1000K/2000K available\n"
           b"6,200,9000,-;node 0 deferred pages initialised in 68ms\n"
           b"6,300,99000,-;Run /init as init process\n\n"
           b"# entries-in-buffer/entries-written: 2/3   #P:2\nCPU:0 [LOST 5 EVENTS]\n"
           b"  swapper/0-1 [000] ..... 0.008: xen_mmu_alloc_ptpage: mm 0 pfn 1 level 4 pinned\n"
           b"  swapper/0-1 [000] ..... 0.009: xen_mmu_release_ptpage: pfn 1 level 4\n")


def recordings(directory):
    """By the real recorder, in pages that are small enough to be worth changing."""
    big, small = directory / "big.db", directory / "small.db"
    for make_big, change in ((made.make, lambda path: None), (made.make, made.lose_a_flag),
                             (made.make, made.add_a_boot), (made.make_stacks, made.lose_a_flag)):
        make_big(big, 180)
        change(big)
        with sqlite3.connect(big) as db:
            db.execute("PRAGMA page_size = 512")
            db.execute("VACUUM INTO ?", (str(small),))
        yield small.read_bytes()
        with sqlite3.connect(small) as db:
            for table in ("batch", "op", "page_table", "mm"):
                db.execute(f"DELETE FROM {table}")
            slots, _ = records(TRACES[0], 60)
            db.execute("INSERT INTO raw VALUES (1, ?)", (packed(slots),))
        yield small.read_bytes()
        big.unlink()
        small.unlink()


def rows():
    """Tables and values as rows.c reads them: a record of each table, then of each word."""
    for table in range(16):
        yield bytes([2 * table, 0, 8, 16, 3, 0, 7, table, 8, 16, 24, 32, 0, 0]) * 3
    for word in range(18):
        yield bytes([4, 0, 8, 0, 3, 32, 7, word, 1, 0, 128, 8, 2]) + bytes(range(8)) + bytes([0] * 4)
    for word in range(19, 36):
        yield bytes([20, 7, word, 1, 5, 0])
    # An mmu_update that Xen refused, by number: -1 needs all of its bits.
    yield bytes([14, 0, 8, 0, 3, 0, 7, 36, 8, 0, 8, *[8] * 2, 2, *[255] * 8])
    for trace in TRACES:
        piece = packed(records(trace, 30)[0])
        yield bytes([28, 0, 6]) + struct.pack("<H", len(piece)) + piece


def packed(slots):
    """As the table `raw` has records (src/recording/raw.h): each word differs from the one before."""
    return b"".join(b"\xff\xff" + slots[i:i + 64] for i in range(0, len(slots), 64))


def make(directory):
    directory = Path(directory)
    made = {"boot_log": boot_logs(), "early": early_rings(), "console": consoles(), "messages": messages(),
            "replay": (b"\n".join(t.read_bytes().splitlines()[:40]) for t in TRACES), "rows": rows()}
    for target, seeds in made.items():
        write(directory / target, seeds)
    write(directory / "recording", recordings(directory))


def write(directory, seeds):
    directory.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds):
        (directory / f"seed-{i}").write_bytes(seed)


if __name__ == "__main__":
    make(sys.argv[1])
