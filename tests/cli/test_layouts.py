# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's types stand in one file: whoever carries xenpin to another kernel reads it alone."""
import lab


def test_kernel_types_are_declared_in_one_place():
    declare = [path.name for path in (lab.ROOT / "bpf").iterdir() if "preserve_access_index" in path.read_text()]
    assert declare == ["layouts.h"]
