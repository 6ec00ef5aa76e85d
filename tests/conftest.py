# SPDX-License-Identifier: GPL-2.0-only
"""One directory for all of a run, whatever process does a test; kept when a test failed."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lab"))


def is_worker(config):
    return hasattr(config, "workerinput")


def pytest_configure(config):
    if not is_worker(config):
        os.environ["XENPIN_TEST_DIR"] = tempfile.mkdtemp(prefix="xenpin-tests-")


def pytest_sessionfinish(session, exitstatus):
    if is_worker(session.config):
        return
    if exitstatus == 0:
        shutil.rmtree(os.environ["XENPIN_TEST_DIR"])
    else:
        print(f"\nwhat the guests left: {os.environ['XENPIN_TEST_DIR']}")
