# SPDX-License-Identifier: GPL-2.0-only
"""How the patch series meets a kernel's sources: kernel/lib.sh on a source of two lines."""
import difflib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "kernel/patches").glob("*/*.patch"))

BEFORE = "".join(f"line {n}\n" for n in range(1, 31))
FIRST = BEFORE.replace("line 9\n", "line 9, patched\n")
SECOND = FIRST.replace("line 9, patched\n", "line 9, patched twice\n").replace("line 25", "LINE 25")
ADDED = "a new file\n"


def diff(path, old, new):
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True),
                                        f"a/{path}" if old else "/dev/null", f"b/{path}"))


@pytest.fixture
def tree(tmp_path):
    """A series for version 9 in which the second patch changes what the first one wrote."""
    series = tmp_path / "patches/9"
    for directory in (series, tmp_path / "src/mm", tmp_path / "work"):
        directory.mkdir(parents=True)
    (series / "0001-first.patch").write_text(diff("mm/a.c", BEFORE, FIRST)
                                             + diff("mm/new.c", "", ADDED))
    (series / "0002-second.patch").write_text(diff("mm/a.c", FIRST, SECOND))
    (tmp_path / "src/mm/a.c").write_text(BEFORE)
    return tmp_path


def apply(tree):
    script = f"""set -euo pipefail
        here={ROOT}/kernel
        . {ROOT}/kernel/lib.sh
        here={tree} kver=9 debver=9.0 src={tree}/src work={tree}/work
        apply_series"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True)


def source(tree):
    return (tree / "src/mm/a.c").read_text(), (tree / "src/mm/new.c").read_text()


def test_the_series_applies(tree):
    done = apply(tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["kernel: applied: 0001-first.patch",
                                        "kernel: applied: 0002-second.patch"]
    assert source(tree) == (SECOND, ADDED)
    assert sorted(p.name for p in (tree / "src/mm").iterdir()) == ["a.c", "new.c"]


def test_already_applied_is_fine(tree):
    apply(tree)
    done = apply(tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["kernel: already applied: 0001-first.patch",
                                        "kernel: already applied: 0002-second.patch"]
    assert source(tree) == (SECOND, ADDED)


def test_a_part_that_is_there_is_left_out(tree):
    (tree / "src/mm/a.c").write_text(FIRST)
    (tree / "src/mm/new.c").write_text(ADDED)
    done = apply(tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["kernel: already applied: 0001-first.patch",
                                        "kernel: applied: 0002-second.patch"]
    assert source(tree) == (SECOND, ADDED)


def test_a_reject_names_patch_and_hunk(tree):
    (tree / "src/mm/a.c").write_text(BEFORE.replace("line 25", "something else"))
    done = apply(tree)
    assert done.returncode == 1
    assert "applied: 0001-first.patch" in done.stderr
    assert "patching file mm/a.c\nHunk #2 FAILED at 22" in done.stderr
    assert "does not apply to linux-source-9 9.0: 0002-second.patch" in done.stderr


def test_a_missing_file_is_named(tree):
    (tree / "src/mm/a.c").unlink()
    done = apply(tree)
    assert done.returncode == 1
    assert "does not apply to linux-source-9 9.0: 0001-first.patch" in done.stderr
    assert "b/mm/a.c" in done.stderr


@pytest.mark.parametrize("header", ["record.h", "boot_log.h", "kinds.def", "probes.def"])
@pytest.mark.parametrize("version", sorted({p.parent.name for p in PATCHES}))
def test_the_series_carries_our_headers(version, header):
    """kernel/build refuses a difference too, but only when somebody builds."""
    theirs = []
    for patch in sorted((ROOT / "kernel/patches" / version).glob("*.patch")):
        part = patch.read_text().partition(f"+++ b/include/xen/xenpin/{header}\n")[2]
        for line in part.splitlines():
            if not line.startswith(("@@", "+")):
                break
            if line.startswith("+"):
                theirs.append(line[1:])
    assert theirs == (ROOT / "include" / header).read_text().splitlines()
