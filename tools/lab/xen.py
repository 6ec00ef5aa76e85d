# SPDX-License-Identifier: GPL-2.0-only
"""The hypervisor, and for a domU the toolstack, both from Debian."""

import gzip

from . import LabError, cache
from .packages import Suite, say

SUITES = {"4.17": "bookworm", "4.20": "trixie"}


def package(version, name):
    """The unpacked package NAME of Xen VERSION; looked up at most once a day, as kernels are."""
    if version not in SUITES:
        raise LabError(f"there is no Xen {version} in the lab: it has {', '.join(SUITES)}")
    current = cache.root() / "xen" / f"{name}.current"
    with cache.lock(f"xen-{name}"):
        seen = cache.age(current)
        tree = cache.root() / "deb" / current.read_text(encoding="ascii") if seen is not None else None
        usable = tree is not None and tree.exists()
        if not usable or seen > cache.DAY:
            try:
                suite = Suite(SUITES[version])
                tree = suite.tree(suite.find(name))
                cache.write(current, tree.name.encode())
            except LabError as err:
                if not usable:
                    raise LabError(f"Xen {version} cannot be fetched: {err}") from None
                say(f"keeping {name} as cached: {err}")
    return tree


def hypervisor(version):
    """The hypervisor as an ELF file: QEMU's multiboot loader does not decompress."""
    packed = package(version, f"xen-hypervisor-{version}-amd64") / "boot" / f"xen-{version}-amd64.gz"
    if not packed.exists():
        raise LabError(f"Debian's package of Xen {version} holds no {packed.name}")
    final = cache.root() / "xen" / f"xen-{version}-{cache.key(packed)}"
    if not final.exists():
        cache.write(final, gzip.decompress(packed.read_bytes()))
    return final
