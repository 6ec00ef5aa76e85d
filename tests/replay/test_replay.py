# SPDX-License-Identifier: GPL-2.0-only
"""Traces replayed through the model, each against a golden result.

clean-boot, erased-boot: the boot log of a patched 6.1 as dom0; in the second the flags were set
before struct-page init (xenpin.pinned=repair, 4 GiB), which is the bug of before 4.17. moved-twice:
stock 6.1, an L1 table whose flag was cleared and that mremap() then moved, as 5.14 did. forks:
stock 6.1, three forks. loss: the same kernel, a ring of one page that overflows. suspend: made from
the kernel's source, what xen_mm_pin_all() and xen_mm_unpin_all() do to three mms.
"""
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPLAY = HERE.parents[1] / "build/replay"
TRACES = sorted(p.name.removesuffix(".golden") for p in HERE.glob("*.golden"))


def replay(name):
    trace = (HERE / f"{name}.jsonl").read_bytes()
    run = subprocess.run([REPLAY], input=trace, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout.decode()


def test_there_are_all():
    assert TRACES == ["clean-boot", "erased-boot", "forks", "loss", "moved-twice", "suspend"]


@pytest.mark.parametrize("name", TRACES)
def test_replay(name):
    assert replay(name) == (HERE / f"{name}.golden").read_text()
