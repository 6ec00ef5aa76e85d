# SPDX-License-Identifier: GPL-2.0-only
"""Nothing but a guest that lives, with every erased flag repaired, is worth exit status 0."""
import re

import pytest

from test_consoles import HERE
from test_kinds import verdict

DEFINED = (HERE.parents[1] / "src/console/alarms.def").read_text()
ALARMS = {who: re.findall(rf'^{who}\("([^"]*)"\)', DEFINED, re.M) for who in ("LINUX", "XEN")}
LIVING = ["[    0.000000] Linux version 6.1.150-lab (build@lab) (gcc 12) #3 SMP",
          "[    0.000000] Hypervisor detected: Xen PV",
          "[    5.100000] xenpin: repaired=77",
          "[    6.400000] Run /sbin/init as init process"]
LATER = "[   60.000000] EXT4-fs (xvda1): mounted filesystem"


def of(*lines, end="\n"):
    return verdict("\n".join([*LIVING, *lines]) + end)


def test_it_is_clean():
    for lines in [], [LATER], [LATER, "[   61.000000] systemd[1]: Reached target Multi-User System"]:
        assert of(*lines)[:2] == (0, "lives")
    assert of(LATER, "lab login: ", end="")[:2] == (0, "lives")


@pytest.mark.parametrize("who, prefix", [("LINUX", "[   60.000000] x: "), ("XEN", "(XEN) d0v0 x ")])
def test_a_word_of_trouble_is_enough(who, prefix):
    assert len(ALARMS[who]) > 15
    for word in ALARMS[who]:
        status, _, account = of(f"{prefix}{word} x", LATER)
        assert status == 5, word
        assert "every flag" not in account["verdict"]["text"], word


@pytest.mark.parametrize("line", [
    "Command line: root=/dev/xvda1 panic=10", "Kernel command line: oops=panic softlockup_panic=1 panic=-1",
    'Unknown kernel command line parameters "panic=20 nosoftlockup", will be passed to user space.',
    "systemd-sysctl[212]: kernel.panic=10", "x: setting panic_on_oops=1"])
def test_what_was_set_for_the_case_of_trouble_is_none(line):
    assert verdict("\n".join([LIVING[0], f"[    0.000000] {line}", *LIVING[1:], LATER]) + "\n")[:2] == (0, "lives")
    # Behind a setting a word of trouble is one.
    assert of("[   59.000000] x: panic=10, panic x", LATER)[0] == 5


@pytest.mark.parametrize("death", [
    "[   60.000000] BUG: unable to handle page fault for address: ffff88826d24e068",
    "[   60.000000] Kernel panic - not syncing: Fatal exception",
    "[   60.000000] Oops: 0003 [#1] PREEMPT SMP NOPTI",
    "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.",
    "(XEN) d0v0 Unhandled page fault fault/trap [#14, ec=0003]",
])
def test_however_much_of_a_death_is_there(death):
    """Cut anywhere, with what is left of it as a line of its own: from the first word on."""
    begin = death.index("] " if death[0] == "[" else ") ") + 2
    for end in range(begin + 1, len(death) + 1):
        assert of(LATER, death[:end], end="")[0] != 0, death[:end]
    words = {"B": 3, "K": 10, "O": 4, "H": 13, "d": 18}[death[begin]]
    for end in range(begin + words, len(death) + 1):
        assert of(LATER, death[:end])[0] != 0, death[:end]


@pytest.mark.parametrize("size", ["64B", "1.5K"])
def test_a_message_that_journalctl_does_not_print_may_be_one(size):
    assert of(f"[   60.000000] [{size} blob data]", LATER)[0] == 5
    kernels = [f"Nov 27 02:10:11 host1 kernel: {line}" for line in LIVING]
    for who, status in ("kernel", 5), ("foo[7]", 0):
        assert verdict("\n".join([*kernels, f"Nov 27 02:10:12 host1 {who}: [{size} blob data]"]) + "\n")[0] == status


def test_init_that_could_not_be_run():
    assert of("[    6.400013] Run /etc/init as init process")[:2] == (5, "cannot-tell")
    assert of("[    6.400013] Failed to execute /sbin/init (error -2)")[0] == 5
    assert of("[    6.400013] Starting init: /sbin/init exists but couldn't execute it (error -8)")[0] == 5
    # Some program of these was run, for the guest goes on.
    assert of("[    6.400013] Run /bin/sh as init process", LATER)[:2] == (0, "lives")


def test_a_boot_that_was_troubled_says_nothing_of_the_next():
    first = [LIVING[0], "[    9.000000] Kernel panic - not syncing: Fatal exception"]
    status, _, account = verdict("\n".join([*first, *LIVING]) + "\n")
    assert status == 5 and account["boots"][0]["verdict"]["grade"] == "shown"


def test_what_xen_says_outranks_a_guest_that_seems_to_live():
    status, word, account = of("(XEN) Domain 0 (vcpu#0) crashed on cpu#0:")
    assert status == 5 and word != "lives" and "dom0 crashed" in account["verdict"]["text"]
