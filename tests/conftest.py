# SPDX-License-Identifier: GPL-2.0-only
"""
One directory for all of a run, whatever process does a test; kept when a test failed.

XENPIN_TEST_DIR names another one: it stays, and what is in it already is not made again.
"""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "lab")]
import lab  # noqa: E402
import systems  # noqa: E402


def is_worker(config):
    return hasattr(config, "workerinput")


def pytest_configure(config):
    config.made = not is_worker(config) and "XENPIN_TEST_DIR" not in os.environ
    if config.made:
        os.environ["XENPIN_TEST_DIR"] = tempfile.mkdtemp(prefix="xenpin-tests-")


def is_made_first(item):
    group = item.get_closest_marker("xdist_group")
    return bool(group) and group.args[0].startswith("system-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """What takes minutes to make, a patched kernel or another Debian, is for runs that name one.

    Other Debians come first, one on each worker: later tests would wait for what they build.
    """
    items.sort(key=lambda item: not is_made_first(item))
    for marker, named in (("patched", lab.SERIES), ("packaged", lab.PACKAGED), ("systems", systems.SYSTEMS)):
        needs = [item for item in items if item.get_closest_marker(marker)]
        if not named and needs:
            config.hook.pytest_deselected(items=needs)
            items[:] = [item for item in items if item not in needs]


def cpu():
    """Seconds of this process and of all whose end it waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.cpu = cpu()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """What a test cost, with what was made for it, as a property of its report."""
    if call.when == "teardown":
        item.user_properties.append(("cpu", f"{cpu() - item.cpu:.2f}"))


class Teller:
    """Names a failure when it happens: a run of an hour may be ended before it sums up."""

    def __init__(self, terminal):
        self.terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.failed:
            last = (report.longreprtext.strip().splitlines() or [""])[-1]
            self.terminal.write_line(f"\nFAILED in its {report.when}: {report.nodeid} - {last}")


def pytest_sessionstart(session):
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if not is_worker(session.config) and terminal:
        session.config.pluginmanager.register(Teller(terminal))


def pytest_sessionfinish(session, exitstatus):
    if not session.config.made:
        return
    if exitstatus == 0:
        shutil.rmtree(os.environ["XENPIN_TEST_DIR"])
    else:
        print(f"\nwhat the guests left: {os.environ['XENPIN_TEST_DIR']}")
