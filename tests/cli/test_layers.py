# SPDX-License-Identifier: GPL-2.0-only
"""The directories of src/ stand in layers, and no file has another's name."""
import shutil
import subprocess

import pytest

import lab

SOURCE = lab.ROOT / "src"


def layers(source):
    run = subprocess.run([lab.ROOT / "tools/layers", source], capture_output=True, text=True)
    return run.returncode, run.stdout.splitlines()


def test_nothing_includes_what_is_above_it():
    assert layers(SOURCE) == (0, [])


@pytest.mark.parametrize("change, said", [
    (lambda s: (s / "model/pins.c").write_text('#include "cmd/options.h"\n'),
     "model/pins.c includes cmd/options.h, which is above it"),
    (lambda s: (s / "base/clock.h").write_text('#include "../model/pins.h"\n'),
     "base/clock.h includes model/pins.h, which is above it"),
    (lambda s: shutil.copy(s / "model/pins.h", s / "audit/pins.h"), "model/pins.h and audit/pins.h have one name"),
    (lambda s: shutil.copytree(s / "top", s / "bottom"), "bottom/ is in no layer: name it in tools/layers"),
])
def test_what_is_wrong_is_named(tmp_path, change, said):
    copy = tmp_path / "src"
    shutil.copytree(SOURCE, copy)
    change(copy)
    status, lines = layers(copy)
    assert status == 1 and said in lines
