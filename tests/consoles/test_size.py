# SPDX-License-Identifier: GPL-2.0-only
"""Consoles of 100 MB, fed through a pipe: seconds of CPU and memory, not of a busy machine's clock."""
import os
import subprocess

import pytest

from test_consoles import HERE, XENPIN

SIZE = 100 << 20
SECONDS, MEMORY = 2.0, 64 << 20
LINES = {
    "a quiet guest": b"".join(b"[%12.6f] %s\n" % (n / 8, words) for n in range(4000) for words in
                              [b"usb 1-1: new high-speed USB device number 4 using xhci_hcd",
                               b"br0: port 2(vif3.0) entered forwarding state"]),
    "a syslog": b"Nov 27 02:10:11 host1 sshd[812]: Accepted publickey for root from 192.0.2.1 port 2\n" * 999,
    "deaths": (HERE / "series.log").read_bytes(),
    "boots": b"[    0.000000] Linux version 6.1.0 (a@b) #1\n",
    "a storm of refusals": (HERE / "multicall-loop.log").read_bytes(),
    "Xen refusing other frames": b"".join(b"(XEN) mm.c:3506:d0v0 mfn %x already pinned\n" % n
                                          for n in range(5000)),
    "old oopses without stamps": (HERE / "old-2.6.32.log").read_bytes(),
    "a dump of pstore": (HERE / "pstore-parts.log").read_bytes(),
    "empty lines": b"\n" * 4096,
    "no line at all": b"x" * 4096,
}


@pytest.mark.parametrize("name", LINES)
def test_100_megabytes(name):
    piece = LINES[name] * (1 + (1 << 20) // len(LINES[name]))
    child = subprocess.Popen([XENPIN, "boot", "--console", "-", "--json"], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with child.stdin:
        for _ in range(1 + SIZE // len(piece)):
            child.stdin.write(piece)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode in (0, 1, 2, 5)
    assert used.ru_utime + used.ru_stime < SECONDS
    assert used.ru_maxrss << 10 < MEMORY
