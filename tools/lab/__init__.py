# SPDX-License-Identifier: GPL-2.0-only
"""The lab: a real Xen with a real PV Linux in QEMU's software emulation.

cache.py     what is kept between runs, and how two runs share it
packages.py  Debian's signed packages, of any suite, without touching the machine's own apt
kernels.py   a name such as stock-6.12 becomes a kernel image and its modules
elf.py       the little that must be known of ELF files
image.py     the initramfs
xen.py       the hypervisor and, for a domU, the toolstack
machine.py   QEMU, the clock, and what the end of a run means
frames.py    the protocol between runner.c in the guest and machine.py
"""


class LabError(Exception):
    """The lab cannot do what was asked; the text is one sentence for the user (exit 126)."""
