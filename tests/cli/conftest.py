# SPDX-License-Identifier: GPL-2.0-only
import shutil
import sqlite3

import pytest

import recordings as made


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """
    A clean one, one with a lost flag, one of a boot that erased flags and repaired them, and one with
    a lost flag and stacks, in which a pin takes three times as long as an unpin.
    """
    directory = tmp_path_factory.mktemp("recordings")
    paths = {name: directory / f"{name}.db" for name in ("clean", "bad", "repaired", "stacks")}
    made.make(paths["clean"], 20000)
    for name in ("bad", "repaired"):
        shutil.copy(paths["clean"], paths[name])
    made.lose_a_flag(paths["bad"])
    made.add_a_boot(paths["repaired"])
    made.make_stacks(paths["stacks"], 20000)
    made.lose_a_flag(paths["stacks"])
    with sqlite3.connect(paths["stacks"]) as db:
        db.execute("UPDATE batch SET latency_ns = 60000 WHERE seq IN (SELECT seq FROM op WHERE op = 'pin')")
    return paths
