# SPDX-License-Identifier: GPL-2.0-only
"""The build as a distribution wants it, or somebody with another compiler, path, or no network."""
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
from pathlib import Path

import jsonschema
import lab
import recordings as made
import sources

HERE = Path(__file__).parent
MODULES = lab.ROOT / "build/page/node_modules"
# As dpkg-buildflags has them, and link-time optimisation, which Ubuntu and Fedora add.
DISTRIBUTION = ["STATIC=no", "CFLAGS=-O2 -g -flto=auto -ffat-lto-objects -fstack-protector-strong",
                "CPPFLAGS=-Wdate-time -D_FORTIFY_SOURCE=2", "LDFLAGS=-Wl,-z,relro"]
NO_NETWORK = ["unshare", "-rn"]


def checkout(into):
    for name in sources.names():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(lab.ROOT / name, into / name)
    return into


def make(where, *args, before=(), timeout=600, **env):
    keep = {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CFLAGS", "CPPFLAGS", "LDFLAGS", "TESTS")}
    return subprocess.run([*before, "make", "-j2", *map(str, args)], cwd=where, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout, env={**keep, **env})


def good(done):
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning:" not in done.stdout + done.stderr
    return done


def readelf(program):
    return subprocess.run(["readelf", "-hldW", program], capture_output=True, text=True, check=True).stdout


def test_anywhere_it_is_the_same(tmp_path):
    """In another directory, with spaces in its name, and a HOME that cannot be written."""
    source = checkout(tmp_path / "a source tree")
    good(make(source, HOME="/proc/nowhere"))
    assert (source / "build/xenpin").read_bytes() == (lab.ROOT / "build/xenpin").read_bytes()
    destination = tmp_path / "de st"
    good(make(source, "install", f"DESTDIR={destination}", "PREFIX=/usr"))
    placed = sorted(str(p.relative_to(destination)) for p in destination.rglob("*") if p.is_file())
    assert placed == ["usr/sbin/xenpin", "usr/share/bash-completion/completions/xenpin",
                      "usr/share/man/man1/xenpin.1", "usr/share/man/man5/xenpin-recording.5",
                      "usr/share/zsh/site-functions/_xenpin"]
    assert not list(source.glob("build/*/done.tmp"))
    assert make(source, "-q", HOME="/proc/nowhere").returncode == 0


def test_as_a_distribution_wants_it(tmp_path):
    """Dynamic, position-independent, link-time optimised, without a network."""
    source = checkout(tmp_path / "src")
    good(make(source, *DISTRIBUTION, f"MODULES={MODULES}", before=NO_NETWORK))
    program = source / "build/xenpin"
    headers = readelf(program)
    assert re.search(r"Type: +DYN", headers) and "INTERP" in headers and "BIND_NOW" in headers
    assert "GNU_RELRO" in headers and re.search(r"GNU_STACK.* RW ", headers)
    libraries = set(re.findall(r"NEEDED.*\[lib([a-z0-9_]+)[.-]", headers))
    assert {"bpf", "dw", "cap", "jansson", "sqlite3", "event_extra", "ncursesw", "c"} <= libraries
    made.make(tmp_path / "a.db", 2000)
    page = subprocess.run([program, "report", tmp_path / "a.db", "-f", "html"], capture_output=True, text=True)
    static = subprocess.run([lab.ROOT / "build/xenpin", "report", tmp_path / "a.db", "-f", "html"],
                            capture_output=True, text=True)
    assert page.returncode == static.returncode == 0
    assert page.stdout == static.stdout and page.stdout.count("Chart.js v") == 1


def test_by_clang(tmp_path):
    source = checkout(tmp_path / "src")
    good(make(source, "CC=clang", f"MODULES={MODULES}", "build/xenpin"))
    assert subprocess.run([source / "build/xenpin", "--version"], capture_output=True).returncode == 0


def test_debians_own_chart_library(tmp_path):
    """One of the two scripts from elsewhere: then npm is asked for nothing."""
    source = checkout(tmp_path / "src")
    chart = tmp_path / "chart.js"
    chart.write_text("/* a script of the distribution's */")
    matrix = MODULES / "chartjs-chart-matrix/dist/chartjs-chart-matrix.min.js"
    done = make(source, "-n", f"CHART_JS={chart}", f"MATRIX_JS={matrix}", "NPM=false")
    assert done.returncode == 0 and "npm ci" not in done.stdout and "false ci" not in done.stdout
    assert str(chart) in done.stdout
    done = make(source, f"CHART_JS={tmp_path}/none.js", f"MATRIX_JS={matrix}", "build/src/report/html.o")
    assert done.returncode == 2 and f"'{tmp_path}/none.js', needed by" in done.stderr


def test_without_a_network_npm_says_why(tmp_path):
    source = checkout(tmp_path / "src")
    done = make(source, "build/page/done", before=NO_NETWORK, timeout=60, HOME=str(tmp_path))
    assert done.returncode == 2
    assert re.search(r"npm (error|ERR!) code E", done.stderr)
    assert "make MODULES=DIR, or make CHART_JS=FILE MATRIX_JS=FILE" in done.stderr


def take_over_build(source):
    """What was built of the checkout, for @source: what a change of @source does not touch is not built again."""
    (source / "build").mkdir()
    parts = ("src", "page", "how", "libeu.a", "perfetto*", "*.bpf.*", "*.skel.h")
    subprocess.run(["cp", "-a", *(p for part in parts for p in (lab.ROOT / "build").glob(part)), source / "build"],
                   check=True)
    return f'HERE=-ffile-prefix-map="{lab.ROOT}"=.'


def change(name, what):
    """The files that the patch NAME touches, and what docs/ARCHITECTURE.md says of adding WHAT."""
    touched = re.findall(r"^\+\+\+ b/(.*)$", (HERE / name).read_text(), re.M)
    page = (lab.ROOT / "docs/ARCHITECTURE.md").read_text()
    return touched, re.search(rf"^\*\*{what}\*\*: .*?\n\n", page, re.M | re.S)[0]


def changed(name, source):
    """A checkout with the patch NAME, at SOURCE: options of make that use what was built, and its program."""
    checkout(source)
    as_built = [take_over_build(source)]
    # No such patch changes a program of bpf/, so these are what they were.
    for path in (source / "build").glob("*.skel.h"):
        as_built += ["-o", f"build/{path.name}"]
    subprocess.run(["patch", "-p1", "-i", HERE / name], cwd=source, check=True, capture_output=True)
    return as_built, lambda *args: subprocess.run([source / "build/xenpin", *args], capture_output=True, text=True)


def test_a_command_is_added_in_three_files(tmp_path):
    """Those that docs/ARCHITECTURE.md lists; help, manual and completion know it then."""
    touched, listed = change("add_command.patch", "a command")
    assert len(touched) == 3 and all(f"`{path.replace('dummy', 'NAME')}`" in listed for path in touched)
    source = tmp_path / "src"
    as_built, xenpin = changed("add_command.patch", source)
    good(make(source, *as_built, "build/manuals"))

    def dummy(*args):
        done = xenpin("dummy", *args)
        return done.returncode, done.stdout + done.stderr

    assert dummy("--help") == (0, "Usage: xenpin dummy [OPTION]... WORD\n\nsays a word\n\n"
                                  "  -t, --times N            say it N times\n"
                                  "      --loud               with an exclamation mark\n")
    assert dummy("word") == (0, "word\n") and dummy("-t", "2", "--loud", "word") == (0, "word!\nword!\n")
    assert dummy("--times", "0", "word") == (2, "xenpin: --times: '0' is not a number from 1 to 9\n")
    assert dummy() == (2, "xenpin: dummy: needs a WORD\n")
    page = (source / "build/manuals/xenpin.1").read_text()
    section = re.search(r"^\.Ss dummy\n(.*?)(?=^\.Ss )", page, re.M | re.S)[1]
    assert "Fl t Ar N , Fl \\-times Ar N\nsay it N times\n" in section and "Fl \\-loud\n" in section
    assert "-W '--times --loud --help'" in (source / "build/manuals/xenpin.bash").read_text()
    assert "'--loud[with an exclamation mark]'" in (source / "build/manuals/_xenpin").read_text()


def test_a_class_of_finding_is_added_in_five_files(tmp_path):
    """Those that docs/ARCHITECTURE.md lists; what finds it here is a write in src/model/writes.c."""
    touched, listed = change("add_finding.patch", "a class of finding")
    assert len(touched) == 5 and all(f"{path}`" in listed for path in touched)
    source = tmp_path / "src"
    as_built, xenpin = changed("add_finding.patch", source)
    good(make(source, *as_built, "build/xenpin"))

    path = tmp_path / "a.db"
    made.make(path, 1000)
    with sqlite3.connect(path) as db:
        ((seq, t),) = db.execute("SELECT max(seq), max(t) FROM (SELECT seq, t FROM mm UNION ALL "
                                 "SELECT seq, t FROM batch UNION ALL SELECT seq, t FROM page_table)")
        for i in (1, 2):
            db.execute("INSERT INTO flag VALUES (?, ?, 0, 1, 0, 'set', ?, 1, 0, 0, 0)", (seq + i, t + i, 0x123456))
    assert made.report(path).returncode == 0
    text = xenpin("report", path)
    assert text.returncode == 1
    assert "1 finding (1 set-twice). It is: L1 page 0x123456 got the flag that it had" in " ".join(text.stdout.split())
    whole = json.loads(xenpin("report", "--format", "json", path).stdout)
    assert whole["verdict"]["gravest"] == whole["findings"][0]["class"] == "set-twice"
    assert whole["verdict"]["headline"] == "1 page got a flag that it had"
    schema = lab.report_schema()
    schema["definitions"] = json.loads((source / "docs/records.schema.json").read_text())["definitions"]
    jsonschema.validate(whole, schema)
    assert "Two functions take the page for theirs." in xenpin("explain", "set-twice").stdout


def test_a_kind_of_record_is_added_in_a_few_files(tmp_path):
    """All but who makes it, in bpf/. Where the model has no decision for it, nothing compiles."""
    touched, listed = change("add_kind.patch", "a kind of record")
    assert len(touched) < 8 and all(f"`{path}`" in listed for path in touched)
    source = tmp_path / "src"
    as_built, xenpin = changed("add_kind.patch", source)
    for undecided in ("src/model/step.c", "src/report/event.c"):
        whole = (source / undecided).read_text()
        (source / undecided).write_text((lab.ROOT / undecided).read_text())
        done = make(source, *as_built, f"build/{undecided.removesuffix('.c')}.o")
        assert done.returncode == 2 and re.search("XP_TABLE_MOVE.* not handled in switch", done.stderr)
        (source / undecided).write_text(whole)
    good(make(source, *as_built, "build/xenpin"))

    # A boot log of one record of that kind, the last one.
    log = tmp_path / "log"
    kind = len(re.findall(r"^KIND\(", (source / "include/kinds.def").read_text(), re.M))
    head = struct.pack("<IBBHQIBBH16s", 1, kind, 1, 0, 5, 7, 2, 0, 0, b"mover")
    log.write_bytes(made.log_header(1, 0) + head + struct.pack("<QQQ", 0x1234, 0xffff888000005000, 0))
    record, account = map(json.loads, xenpin("boot", "--log", log, "--records", "--json").stdout.splitlines())
    assert (record["kind"], record["level"], record["pfn"], record["comm"]) == ("move", 2, "0x1234", "mover")
    assert account["records"] == 1
    # And a recording in which a table moves, and loses its flag.
    path = tmp_path / "a.db"
    made.make(path, 1000)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE page_table SET what = 'move' WHERE seq = (SELECT min(seq) FROM page_table "
                   "WHERE what = 'alloc' AND pfn = ?)", (made.LOST,))
    counts = json.loads(xenpin("report", "--format", "json", path).stdout)["counts"]["records"]
    assert counts["move"] == 1 and counts["alloc"] > 100
    assert "is no word of page_table" in made.report(path).stdout
    made.lose_a_flag(path)
    assert "moved as L1 table" in xenpin("report", path).stdout


def test_static_is_yes_or_no(tmp_path):
    done = make(lab.ROOT, "-n", "STATIC=maybe", f"B={tmp_path}")
    assert done.returncode == 2 and "STATIC is 'maybe': it can be yes or no" in done.stderr


def test_what_stands_in_for_libeu_is_there_where_it_is_needed(tmp_path):
    """Debian 13's libdw.a links only with it; elsewhere the archive is empty."""
    libraries = re.search(r"^LIBS\s*:= (.*)$", (lab.ROOT / "Makefile").read_text(), re.M)[1].split()
    whole = subprocess.run(["cc", "-static-pie", "-fPIE", "-o", tmp_path / "test", lab.ROOT / "compat/libdw.c",
                            *libraries], capture_output=True, text=True)
    members = subprocess.run(["ar", "t", lab.ROOT / "build/libeu.a"], capture_output=True, text=True, check=True)
    assert members.stdout.split() == ([] if whole.returncode == 0 else ["eu_search.o"])
    if whole.returncode:
        missing = set(re.findall(r"undefined reference to `(\w+)'", whole.stderr))
        assert missing and all(name.startswith("eu_") for name in missing)
