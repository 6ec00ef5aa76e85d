# SPDX-License-Identifier: GPL-2.0-only
import shutil

import pytest

import recordings as made


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A clean one, one with a lost flag, and one of a boot that erased flags and repaired them."""
    directory = tmp_path_factory.mktemp("recordings")
    paths = {name: directory / f"{name}.db" for name in ("clean", "bad", "repaired")}
    made.make(paths["clean"], 20000)
    for name in ("bad", "repaired"):
        shutil.copy(paths["clean"], paths[name])
    made.lose_a_flag(paths["bad"])
    made.add_a_boot(paths["repaired"])
    return paths
