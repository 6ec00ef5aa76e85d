# SPDX-License-Identifier: GPL-2.0-only
"""The patched kernel where it must not differ from the same one without the series."""
import re
import statistics
import subprocess
from pathlib import Path

import pytest

import lab

pytestmark = pytest.mark.patched

OVERHEAD_PERCENT = 0.2
HEARD_PERCENT = 1.25	# 0.15 is the goal: kernel/README.md
ATTACH_MS = 10
BUILD_S = 12 * 60
LOAD_MS = 40	# kernel/README.md says what it consists of; this notices when it grows
ADDED = [lab.ROOT / "build/forks", lab.ROOT / "build/hear", lab.HERE / "cost.sh"]


class Boot:
    """What cost.sh said on a kernel whose clock counts instructions."""

    def __init__(self, out, kernel, append):
        status = lab.xenlab(out, ["--kernel", kernel, "--icount", "--dom0-mem", "2048",
                                  "--timeout", "900", "--append", append,
                                  *(word for path in ADDED for word in ("--add", path))],
                            ["sh", "/usr/local/bin/cost.sh"])
        self.log = (out / "xenlab.log").read_text()
        assert status == 0, self.log
        self.fork_ns = self.median("fork_ns")

    def median(self, name):
        times = [int(ns) for ns in re.findall(rf"^{name}=(\d+)", self.log, re.M)]
        assert len(times) == 7
        return statistics.median(times)


@pytest.fixture(scope="module", params=lab.one_worker_each("cost", kernels=lab.PATCHED))
def patched(request, tmp_path_factory):
    """Parameters that ask for nothing: a marking point that there is none, and the early program."""
    out = tmp_path_factory.mktemp("patched")
    boot = Boot(out, request.param, "xenpin.pinned=nonsense xenpin.early=1")
    boot.kernel = request.param
    return boot


def test_cost_while_nothing_is_traced(patched, tmp_path):
    plain = Boot(tmp_path, patched.kernel.replace("patched-", "plain-"), "")
    percent = (patched.fork_ns / plain.fork_ns - 1) * 100
    print(f"fork: {plain.fork_ns} ns, with the series {patched.fork_ns} ns, {percent:+.2f} %")
    assert percent <= OVERHEAD_PERCENT


def test_cost_of_hearing_of_batches(patched):
    """An empty program: what the kernel takes to find the multicalls that pin, and who else is watched then."""
    heard = patched.median("heard_fork_ns")
    percent = (heard / patched.fork_ns - 1) * 100
    print(f"fork: {patched.fork_ns} ns, while batches are heard of {heard} ns, {percent:+.2f} %")
    assert percent <= HEARD_PERCENT
    assert int(re.search(r"^heard=(\d+)", patched.log, re.M)[1]) >= 20


def test_attaching_the_early_program(patched):
    assert re.findall(r"^early=(-?\d+)", patched.log, re.M) == ["1", "0"]
    load, attach = map(int, re.search(r"load_us=(\d+) attach_us=(\d+)", patched.log).groups())
    print(f"load {load} us, attach {attach} us")
    assert 0 < attach <= ATTACH_MS * 1000
    assert 0 < load <= LOAD_MS * 1000


def test_building_it_takes_minutes(patched):
    """By the CPU time of the plain kernel, which is built first: others may use the machine, too."""
    version = patched.kernel.removeprefix("patched-")
    where = subprocess.run([lab.ROOT / "kernel/build", version, "--where"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.strip()
    text = (Path(where.replace("patched-", "plain-")) / "cost").read_text()
    print(text)
    assert int(dict(pair.split("=") for pair in text.split())["cpu_s"]) / 2 < BUILD_S


def test_an_unknown_marking_point_is_a_warning(patched):
    assert ("xenpin.pinned=nonsense: not one of hook, early, repair; using hook"
            in patched.log)
    assert "too early, on request" not in patched.log
