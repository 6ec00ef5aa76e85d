# SPDX-License-Identifier: GPL-2.0-only
"""audit in a guest that is pretended (pretend.c): what they end with, and where they write."""
import os
import subprocess

import lab

PRETEND = lab.ROOT / "build/pretend"


def environment(what):
    return {**os.environ, "PRETEND": what}


def pretend(what, *args, **kwargs):
    return subprocess.run([PRETEND, *args], stdin=subprocess.DEVNULL, env=environment(what), text=True,
                          timeout=30, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs})


def test_a_finding_outranks_a_look_that_fails():
    for what, status in (("fails lost", 1), ("fails", 4)):
        result = pretend(what, "audit", "--repeat", "3")
        assert result.returncode == status and "the audit failed: Input/output error" in result.stderr
        assert result.stdout.count("4 page tables") == 1
