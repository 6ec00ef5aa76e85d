# SPDX-License-Identifier: GPL-2.0-only
"""The C unit tests, each cmocka test as one of ours."""
import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / "build/unit"


def names_of(source):
    names = re.findall(r"^\s*(?:TEST|cmocka_unit_test)\((\w+)\),", source.read_text(), re.M)
    assert names, source
    return names


@pytest.mark.parametrize("program, name", [(source.stem, name)
                                           for source in sorted(HERE.glob("test_*.c"))
                                           for name in names_of(source)])
def test_unit(program, name):
    run = subprocess.run([BUILT / program], capture_output=True, text=True, timeout=120,
                         env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    assert f"[       OK ] {name}\n" in run.stdout, run.stdout + run.stderr
    assert "Sanitizer" not in run.stderr and run.returncode == 0, run.stderr
