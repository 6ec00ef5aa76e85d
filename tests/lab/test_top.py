# SPDX-License-Identifier: GPL-2.0-only
"""`xenpin top` in a terminal, keys and all."""
import re

import pytest

import lab

# What a terminal needs that the lab's image has not.
FILES = ["/lib/terminfo/s/screen", "/lib/terminfo/t/tmux-256color", "/usr/lib/locale/C.utf8/LC_CTYPE"]


@pytest.fixture(params=lab.one_worker_each("top"))
def seen(request):
    return lab.run_script("top.sh", request.param, tools=["/usr/sbin/bpftool", "/usr/bin/tmux",
                                                          *(f"{path}:{path}" for path in FILES)])


def screen(seen, name):
    return seen.text(f"top-{name}.screen").splitlines()


def test_top_in_a_terminal(seen):
    first = screen(seen, "first")
    assert re.match(r"\d+ pins, \d+ unpins, 0 refused, ", first[0])
    assert first[1].startswith("0 findings at the last audit; boot deferred struct pages for ")
    assert first[3].split() == "PID COMMAND PROCS PINS/s UNPINS/s REFUSED TABLES/K FLUSH/us".split()
    assert any(" forks " in line for line in screen(seen, "forks"))
    grouped = [line for line in screen(seen, "group")[4:] if " forks " in line]
    assert len(grouped) == 1
    names = [line.split()[1] for line in screen(seen, "name")[4:] if line.strip()]
    assert names == sorted(names) and len(names) > 2
    assert {line.split()[1] for line in screen(seen, "filter")[4:] if line.strip()} == {"forks"}
    assert any("g               one line for all processes" in line for line in screen(seen, "help"))
    assert len(screen(seen, "small")) <= 12 and max(map(len, screen(seen, "small"))) <= 60
    assert any("ended with 0" in line for line in screen(seen, "end"))


def test_nothing_is_left_attached(seen):
    assert seen.left_over("top-end") == ""
