# SPDX-License-Identifier: GPL-2.0-only
"""Some inputs for each fuzz target, however busy the machine is; `make fuzz` takes longer."""
import importlib.util
from importlib.machinery import SourceFileLoader
import sys

import pytest

import lab

HERE = lab.ROOT / "tests/fuzz"
INPUTS = 1000
sys.path.insert(0, str(HERE))
import seeds  # noqa: E402
loader = SourceFileLoader("fuzz_run", str(HERE / "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz_run", loader))
loader.exec_module(run)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    seeds.make(directory)
    return directory


def test_every_parser_has_its_target():
    assert run.TARGETS == ["boot_log", "console", "early", "messages", "recording", "replay", "rows"]


@pytest.mark.parametrize("target", run.TARGETS)
def test_nothing_is_found(corpus, target):
    executions, said = run.fuzz(target, corpus / target, f"-runs={INPUTS}")
    assert executions, said
    assert executions >= INPUTS
