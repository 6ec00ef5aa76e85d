# SPDX-License-Identifier: GPL-2.0-only
"""A live xenpin and what is in its way: disks, limits, closed files, inherited signals."""
import re

import pytest

import lab


@pytest.fixture(params=lab.one_worker_each("hurt", kernels=lab.ENDS))
def seen(request):
    return lab.run_script("hurt.sh", request.param, tools=[*lab.HOST_TOOLS, "/usr/bin/env:/usr/local/bin/gnu-env"])


def test_a_dry_run_to_a_full_disk(seen):
    assert seen.status("dry-run-full") == 5
    assert seen.text("dry-run-full.err") == "xenpin: cannot write to stdout: No space left on device\n"


def test_too_little_memory_is_called_that(seen):
    for kb in 9000, 12000, 16000:
        for command in "audit", "top", "export":
            status, said = seen.status(f"memory-{command}-{kb}"), seen.text(f"memory-{command}-{kb}.err")
            assert "No such process" not in said
            if status == 4:
                assert "memory" in said and said.count("\n") == 1, said
    assert seen.status("memory-audit-9000") == 4


def test_what_cannot_begin_says_that_alone(seen):
    assert seen.status("unloadable") == 4
    said = seen.text("unloadable.err")
    assert said.startswith("xenpin: cannot trace: ") and said.count("\n") == 1
    assert seen.text("never") == ""


def test_files_that_may_not_grow(seen):
    """It ends with a status, not by SIGXFSZ."""
    assert [seen.status(f"size-trace-{blocks}") for blocks in (8, 100)] == [5, 5]
    assert seen.status("size-trace-0") == 4		# the file in memory that holds the kernel's types
    assert seen.status("size-record") == 5


@pytest.mark.parametrize("command", ["trace", "audit", "top"])
def test_without_proc(seen, command):
    assert seen.status(f"noproc-{command}") == 3
    assert "/proc is not mounted here" in seen.text(f"noproc-{command}.err")


def test_what_is_said_when_stderr_is_closed_is_not_in_the_recording(seen):
    assert seen.status("closed") == 0
    assert seen.text("closed.head") == "SQLite format 3"
    assert seen.status("closed-report") == 0


def test_sigchld_that_is_ignored(seen):
    """The end of CMD is seen nevertheless."""
    assert seen.status("chld") == 0
    assert re.search(r"records in 0\.\d+ s|records in [1-5]\.\d+ s", seen.text("chld.err"))


def test_cmd_has_the_signals_that_xenpin_found(seen):
    def signals(name):
        return re.findall(r"Sig(?:Ign|Blk):\s+(\w+)", seen.text(name + ".out"))
    blocked, ignored = [int(s, 16) for s in signals("found")]
    assert blocked & 1 << 9 and ignored & (1 << 12 | 1 << 16 | 1 << 24) == 1 << 12 | 1 << 16 | 1 << 24
    assert signals("kept") == signals("found")
    assert signals("default-kept") == signals("default")


@pytest.mark.parametrize("command", ["trace", "record", "top", "export"])
def test_nohup(seen, command):
    assert seen.text(f"nohup-{command}.alive") == "alive\n"
    assert seen.status(f"nohup-{command}") in (0, 5)


@pytest.mark.parametrize("name", ["tracejson", "tracefindings", "topbatch", "exporttextfile", "auditrepeat"])
def test_it_ends_within_a_second(seen, name):
    # Emulated, in a storm, beside whatever else this machine does: three.
    assert int(seen.text(f"term-{name}.took")) <= 300
    assert seen.status(f"term-{name}") in (0, 1, 5)


def test_no_verdict_without_an_audit(seen):
    for ms in 10, 100, 300, 600, 1000, 2000:
        status, said = seen.status(f"early-{ms}"), seen.text(f"early-{ms}.out")
        assert status in (0, 1, 5) if said else status == 128 + 15, f"after {ms} ms: {status}, '{said}'"


def test_nothing_is_left_attached(seen):
    lefts = sorted(seen.directory.glob("*.left"))
    assert len(lefts) > 25
    assert {p.name for p in lefts if p.read_text()} == set()
