# SPDX-License-Identifier: GPL-2.0-only
"""Short traces beside two storms: none misses a run of a probe, however tasks are preempted.

XENPIN_TRACES says how many; `make soak` takes 500 of them on each kernel.
"""
import json
import os

import pytest

import lab

TRACES = int(os.environ.get("XENPIN_TRACES", "12"))
KERNELS = [*lab.KERNELS, *lab.PATCHED] if "XENPIN_TRACES" in os.environ else lab.KERNELS[-1:]


@pytest.fixture(scope="module", params=[pytest.param(k, marks=pytest.mark.xdist_group(f"short-{k}"))
                                        for k in KERNELS])
def guest(request):
    traces = lab.test_dir() / "traces"
    traces.write_text(f"{TRACES}\n")
    return lab.run_script("short.sh", request.param, "--append", "preempt=full", "--vcpus", "2",
                          tools=[*lab.HOST_TOOLS, f"{traces}:/root/traces"])


def test_nothing_is_missed(guest):
    ends = [line.split(" ", 1) for line in guest.text("traces").splitlines()]
    assert len(ends) == TRACES
    for status, end in ends:
        end = json.loads(end)
        assert (status, end["missed"], end["dropped"]) == ("0", 0, 0)
        assert end["delivered"] > 0
    assert guest.text("traces.err") == ""
