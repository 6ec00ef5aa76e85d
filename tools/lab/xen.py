# SPDX-License-Identifier: GPL-2.0-only
"""The hypervisor, and for a domU the toolstack, both from Debian."""

import gzip

from . import LabError, cache
from .packages import Suite, newest

SUITES = {"4.17": "bookworm", "4.20": "trixie"}


def package(version, name):
    """The unpacked package NAME of Xen VERSION."""
    if version not in SUITES:
        raise LabError(f"there is no Xen {version} in the lab: it has {', '.join(SUITES)}")

    def fetch():
        suite = Suite(SUITES[version])
        return suite.tree(suite.find(name))

    return newest(f"Xen {version}", cache.root() / "deb", f"{name}.current", lambda _: True, fetch)


def hypervisor(version):
    """The hypervisor as an ELF file: QEMU's multiboot loader does not decompress."""
    packed = package(version, f"xen-hypervisor-{version}-amd64") / "boot" / f"xen-{version}-amd64.gz"
    if not packed.exists():
        raise LabError(f"Debian's package of Xen {version} holds no {packed.name}")
    final = cache.root() / "xen" / f"xen-{version}-{cache.key(packed)}"
    if not final.exists():
        cache.write(final, gzip.decompress(packed.read_bytes()))
    return final
