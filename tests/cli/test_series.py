# SPDX-License-Identifier: GPL-2.0-only
"""How the series meets a kernel's sources: kernel/lib.sh on a source of two lines, kernel/series."""
import difflib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOOKS = sorted((ROOT / "kernel/hooks").glob("*.patch"))

BEFORE = "".join(f"line {n}\n" for n in range(1, 31))
AFTER = BEFORE.replace("line 9\n", "line 9, patched\n").replace("line 25", "LINE 25")


def diff(path, old, new):
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{path}", f"b/{path}"))


@pytest.fixture
def tree(tmp_path):
    """A kernel of version 9 with one file, and a series that changes it and adds another."""
    for directory in ("hooks", "tree/mm", "src/mm", "work"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "hooks/9.patch").write_text(diff("mm/a.c", BEFORE, AFTER))
    (tmp_path / "tree/mm/new.c").write_text("a new file\n")
    (tmp_path / "src/mm/a.c").write_text(BEFORE)
    return tmp_path


def apply(tree):
    script = f"""set -euo pipefail
        here={ROOT}/kernel
        . {ROOT}/kernel/lib.sh
        here={tree} kver=9 linux=9 debver=9.0 src={tree}/src work={tree}/work
        apply_series"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True)


def is_applied(tree):
    assert (tree / "src/mm/a.c").read_text() == AFTER
    assert sorted(p.name for p in (tree / "src/mm").iterdir()) == ["a.c", "new.c"]
    ours = {p.name: p.read_text() for p in (tree / "src/include/xen/xenpin").iterdir()}
    return ours == {name: (ROOT / "include" / name).read_text()
                    for name in ("record.h", "boot_log.h", "kinds.def", "probes.def")}


def test_the_series_applies(tree):
    done = apply(tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "kernel: applied: hooks/9.patch\n" and is_applied(tree)


def test_already_applied_is_fine(tree):
    apply(tree)
    done = apply(tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "kernel: already applied: hooks/9.patch\n" and is_applied(tree)


def test_a_reject_names_file_and_hunk(tree):
    (tree / "src/mm/a.c").write_text(BEFORE.replace("line 25", "something else"))
    done = apply(tree)
    assert done.returncode == 1
    assert "patching file mm/a.c\nHunk #2 FAILED at 22" in done.stderr
    assert "does not apply to linux-source-9 9.0: hooks/9.patch" in done.stderr


def test_what_would_fit_with_fuzz_is_refused(tree):
    """Its neighbour has changed: so may have what the hook is about."""
    (tree / "src/mm/a.c").write_text(BEFORE.replace("line 6\n", "line 6, by somebody\n"))
    done = apply(tree)
    assert done.returncode == 1 and "Hunk #1 FAILED" in done.stderr


def test_a_missing_file_is_named(tree):
    (tree / "src/mm/a.c").unlink()
    done = apply(tree)
    assert done.returncode == 1
    assert "does not apply to linux-source-9 9.0: hooks/9.patch" in done.stderr
    assert "b/mm/a.c" in done.stderr


@pytest.mark.parametrize("hooks", HOOKS, ids=lambda path: path.stem)
def test_the_patches_for_review_are_the_series(hooks, tmp_path):
    """Together they add what tree/ and include/ have, and change what the hooks change, once."""
    done = subprocess.run([ROOT / "kernel/series", hooks.stem, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    patches = sorted(tmp_path.iterdir())
    assert len(patches) > 2 and [p.name[:4] for p in patches] == [f"{n:04d}" for n in range(1, len(patches) + 1)]
    texts = [p.read_text() for p in patches]
    for n, text in enumerate(texts, 1):
        assert re.search(rf"^Subject: \[PATCH {n}/{len(texts)}\] [\w/]+: .{{10,}}$", text, re.M)
        assert max(map(len, text.partition("\n---\n")[0].splitlines())) <= 80
    files = re.findall(r"^diff --git a/(\S+) b/\S+$", "".join(texts), re.M)
    added = {str(p.relative_to(ROOT / "kernel/tree")) for p in (ROOT / "kernel/tree").rglob("*") if p.is_file()}
    added |= {f"include/xen/xenpin/{name}" for name in ("record.h", "boot_log.h", "kinds.def", "probes.def")}
    changed = set(re.findall(r"^\+\+\+ b/(.*)$", hooks.read_text(), re.M))
    assert sorted(files) == sorted(added | changed)
    bodies = "".join(part for part in re.split(r"^(?=diff --git )", "".join(texts), flags=re.M))
    for hunk in re.findall(r"^@@ .*?(?=^@@ |^diff |\Z)", hooks.read_text(), re.M | re.S):
        assert bodies.count(hunk.rstrip("\n")) == 1


def test_a_version_that_is_not_there(tmp_path):
    done = subprocess.run([ROOT / "kernel/series", "9.9", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and "no series for 9.9; there is: " in done.stderr


def test_patches_that_cannot_be_written():
    done = subprocess.run([ROOT / "kernel/series", "6.12", "/proc/x"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "kernel: /proc/x: No such file or directory\n"
