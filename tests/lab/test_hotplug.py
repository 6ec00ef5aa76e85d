# SPDX-License-Identifier: GPL-2.0-only
"""A watch sees what is written on CPUs that come while it lasts."""
import pytest

import lab


@pytest.fixture(params=lab.one_worker_each("hotplug", kernels=lab.ENDS))
def guest(request):
    tools = [*lab.HOST_TOOLS[1:], lab.ROOT / "build/victim", "/usr/bin/taskset",
             lab.injector(request.param)]
    return lab.run_script("hotplug.sh", request.param, tools=tools)


@pytest.mark.parametrize("when,cpus", [("back", [1, 1, 0, 0]), ("late", [1, 1, 0, 0]),
                                       ("gone", [0, 0])])
def test_each_write_is_told(guest, when, cpus):
    assert guest.status(when) == 0, guest.text(f"{when}.err")
    changes = [(r["cpu"], r["what"]) for r in guest.records(when) if r["type"] == "flag"]
    assert changes == list(zip(cpus, ["clear", "set", "clear", "set"]))
    assert f"{len(cpus)} changes in " in guest.text(f"{when}.err")
