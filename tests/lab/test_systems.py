# SPDX-License-Identifier: GPL-2.0-only
"""Debian 13 and sid build and test xenpin with what they have, and what they built runs on every kernel."""
import json
import re

import pytest

import lab
import systems

pytestmark = pytest.mark.systems


@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.xdist_group(f"system-{suite}"))
                                        for suite in systems.SYSTEMS])
def system(request):
    return systems.System(request.param)


def test_it_builds_and_its_tests_pass(system):
    assert system.status == 0, system.log[-6000:]
    passed, failed = re.search(r"^(\d+) passed, (\d+) failed$", system.log, re.M).groups()
    assert int(failed) == 0 and int(passed) > 300


def test_nothing_is_deprecated(system):
    """What npm's own modules say of node is theirs."""
    lines = [line for line in system.log.splitlines()
             if re.search("deprecat", line, re.I) and not re.search(r"^\(node:|node --trace-deprecation", line)]
    assert not lines


@pytest.fixture(params=lab.one_worker_each("systems"))
def guest(request):
    """A boot in which the binaries of all systems ran."""
    options = ["--dom0-mem", "2048", "--add", lab.injector(request.param),
               "--add", f"{lab.ROOT}/build/victim"]
    for suite in systems.SYSTEMS:
        options += ["--add", f"{systems.System(suite).program('xenpin')}:/root/xenpin-{suite}"]
    return lab.run_script("systems.sh", request.param, *options)


@pytest.mark.parametrize("suite", systems.SYSTEMS)
class TestInTheLab:
    def test_features(self, guest, suite):
        assert guest.status(f"xenpin-{suite}-features") == 0
        (features,) = guest.records(f"xenpin-{suite}-features")
        assert features["guest"] == "Xen PV"

    @pytest.mark.parametrize("way", ["trace", "raw"])
    def test_trace(self, guest, suite, way):
        records = guest.records(f"xenpin-{suite}-{way}")
        assert guest.status(f"xenpin-{suite}-{way}") == 0, guest.text(f"xenpin-{suite}-{way}.err")
        assert not guest.left_over(f"xenpin-{suite}-{way}")
        if way == "trace":
            pins = [r for r in records if r["type"] == "mm" and r["what"] == "pin" and r["comm"] == "forks"]
            assert len(pins) >= 23 and all(r["stack"] for r in pins)
            batches = [op for r in records if r["type"] == "batch" for op in r["ops"]]
            assert batches and all(op["pfn"] and op["result"] == 0 for op in batches)

    def test_record(self, guest, suite):
        assert guest.status(f"xenpin-{suite}-record") == 0, guest.text(f"xenpin-{suite}-record.err")
        assert guest.status(f"xenpin-{suite}-report") == 0
        report = json.loads(guest.text(f"xenpin-{suite}-report.out"))
        assert not report["findings"]

    def test_audit(self, guest, suite):
        assert guest.status(f"xenpin-{suite}-audit") == 0, guest.text(f"xenpin-{suite}-audit.err")

    def test_top(self, guest, suite):
        assert guest.status(f"xenpin-{suite}-top") == 0, guest.text(f"xenpin-{suite}-top.err")

    def test_findings(self, guest, suite):
        lost = set(re.findall(r"clear .*pfn=(0x[0-9a-f]+)", guest.text(f"xenpin-{suite}-lost.log")))
        assert len(lost) == 3
        assert guest.status(f"xenpin-{suite}-findings") == 1
        found = {r["pfn"] for r in guest.records(f"xenpin-{suite}-findings") if r["type"] == "finding"}
        assert lost <= found
