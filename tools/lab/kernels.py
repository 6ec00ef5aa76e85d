# SPDX-License-Identifier: GPL-2.0-only
"""From a kernel's name to its image and modules.

A kernel is a directory with `vmlinuz` and optionally `modules/lib/modules/RELEASE/`, no matter
whether it came from Debian or from `make kernel`. Only the few modules that the lab loads are
kept of Debian's four thousand.
"""

import dataclasses
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import zlib

from . import LabError, cache
from .packages import Suite, newest, run

# What `make kernel` is told beside the version.
MADE_WITH = {"patched": "", "plain": " PLAIN=1", "deb": " PACKAGE=1"}
STOCK = {"stock-6.1": "bookworm", "stock-6.12": "trixie", "stock-sid": "sid"}

# dom0's channel to the host, and what /dev/xen and /proc/xen need.
CHANNEL = ("virtio_pci", "virtio_console")
XEN = ("xenfs", "xen_privcmd", "xen_evtchn", "xen_gntdev", "xen_gntalloc")
MODULES = CHANNEL + XEN
RECIPE = 1  # counts changes to what a stock kernel's directory holds


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that is there, ready to boot."""

    name: str
    vmlinuz: pathlib.Path
    libdir: pathlib.Path = None  # lib/modules/RELEASE, when it has modules

    def modules(self, wanted):
        """The .ko files of the modules WANTED and of those they need, in the order of loading."""
        if self.libdir is None:
            return []
        return [self.libdir / path for path, _ in closure(self.libdir, wanted)]

    def vmlinux(self):
        """The ELF image inside the bzImage.

        Xen and xl take a bzImage too and decompress it, but emulated: that takes seconds of
        every boot. The host does it once.
        """
        final = cache.root() / "vmlinux" / cache.key(self.vmlinuz)
        if not final.exists():
            cache.write(final, payload(self.vmlinuz))
        return final


def find(name):
    """The Kernel called NAME; fetched when it is a stock kernel that is not there yet."""
    if name in STOCK:
        return stock(name)
    if re.fullmatch(r"stock-\d+\.\d+", name):
        # A version's own name holds only while sid has that version: sid moves on.
        kernel = stock("stock-sid")
        release = kernel.libdir.name
        if not release.startswith(name[len("stock-"):] + "."):
            raise LabError(f"{name} is not to be had: the newest kernel in sid is {release}, "
                           "called stock-sid")
        return kernel
    built = re.fullmatch(r"(patched|plain|deb)-([\w.+-]+)", name)
    if built:
        directory = cache.root() / "kernel" / name
        if not (directory / "vmlinuz").exists():
            command = f"make kernel KVER={built[2]}{MADE_WITH[built[1]]}"
            raise LabError(f"{name} is not built: run '{command}' "
                           f"(it puts vmlinuz into {directory})")
        return load(name, directory)
    raise LabError(f"no kernel is called '{name}': there are {', '.join(STOCK)}, "
                   "patched-X, plain-X and deb-X")


def known():
    """(name, state) of every kernel that can be asked for."""
    home = cache.root() / "kernel"
    for name in STOCK:
        current = home / name / "current"
        state = current.read_text(encoding="ascii").strip() if current.exists() else "not fetched"
        yield name, state
    for kind in MADE_WITH:
        for path in sorted(home.glob(f"{kind}-*/vmlinuz")):
            yield path.parent.name, "built"


def stock(name):
    """A Debian kernel, the newest of its suite."""
    home = cache.root() / "kernel" / name
    return load(name, newest(name, home, "current", lambda made: made.endswith(recipe()),
                             lambda: fetch(name, home)))


def recipe():
    """A name for how a stock kernel's directory is made, part of the directory's name."""
    return cache.key(RECIPE, *MODULES)[:8]


def fetch(name, home):
    """Make the directory of the suite's current kernel, unless it is there; return it."""
    suite = Suite(STOCK[name])
    meta = suite.find("linux-image-amd64")
    images = [d for d in meta.depends if re.fullmatch(r"linux-image-\d.*", d)]
    if not images:
        raise LabError(f"linux-image-amd64 of {suite.name} names no kernel package")
    release = images[0][len("linux-image-"):]
    wanted = [suite.find(images[0])]
    # Since 7.x the image package is empty and the files are in three others.
    parts = re.compile(r"linux-(binary|modules|base)-" + re.escape(release))
    wanted += [suite.find(d) for d in wanted[0].depends if parts.fullmatch(d)]
    final = home / f"{release}_{cache.key(*[p.sha256 for p in wanted])[:8]}_{recipe()}"
    if final.exists():
        return final
    with cache.workdir() as temp:
        tree = temp / "tree"
        for package in wanted:
            suite.unpack(package, tree)
        made = temp / "kernel"
        trim(tree, release, made)
        return cache.publish(made, final)


def trim(tree, release, made):
    """Keep the image, its configuration and the lab's modules of an unpacked kernel TREE."""
    if not (tree / "lib").exists():
        (tree / "lib").symlink_to("usr/lib")
    libdir = tree / "lib" / "modules" / release
    images = [p for p in (tree / "boot" / f"vmlinuz-{release}", libdir / "vmlinuz") if p.exists()]
    if not images:
        raise LabError(f"the packages of {release} hold no vmlinuz")
    run(["depmod", "-b", str(tree), release])
    kept = made / "modules" / "lib" / "modules" / release
    kept.mkdir(parents=True)
    lines = []
    for path, needs in closure(libdir, MODULES):
        lines.append(f"{plain(path)}: {' '.join(plain(n) for n in needs)}\n")
        target = kept / plain(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(expand(libdir / path))
    (kept / "modules.dep").write_text("".join(lines), encoding="ascii")
    shutil.copy(images[0], made / "vmlinuz")
    for config in (tree / "boot" / f"config-{release}", libdir / "config"):
        if config.exists():
            shutil.copy(config, made / "config")


def load(name, directory):
    """The Kernel in DIRECTORY."""
    libdirs = sorted((directory / "modules" / "lib" / "modules").glob("*"))
    if len(libdirs) > 1:
        raise LabError(f"{directory}/modules holds modules of {len(libdirs)} releases, want one")
    if libdirs and not (libdirs[0] / "modules.dep").exists():
        raise LabError(f"{libdirs[0]} has no modules.dep: run depmod -b {directory}/modules")
    return Kernel(name, directory / "vmlinuz", libdirs[0] if libdirs else None)


def closure(libdir, wanted):
    """[(path, its needs)] of the modules WANTED and all they need, each after its needs.

    A module that modules.dep does not have is built in, or this kernel has no such driver: the
    guest finds out, and says what it misses.
    """
    needs = {}
    for line in (libdir / "modules.dep").read_text(encoding="ascii").splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    names = {re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(p)).replace("-", "_"): p for p in needs}
    order = {}
    for name in wanted:
        if name in names:
            # modules.dep lists the nearest need first.
            for path in [*reversed(needs[names[name]]), names[name]]:
                order[path] = needs[path]
    return list(order.items())


def plain(path):
    """The path of a module without its compression suffix."""
    return re.sub(r"\.(xz|zst|gz)$", "", path)


def expand(path):
    """The content of a module file, decompressed."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return unzstd(data)
    return data


def unzstd(data):
    """Decompress zstd, for which Python 3.11 has no module."""
    try:
        return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise LabError("zstd is not installed: run tools/packages lab") from None
    except subprocess.CalledProcessError as err:
        raise LabError(f"zstd cannot unpack the kernel: {err.stderr.decode().strip()}") from None


def payload(vmlinuz):
    """Decompress the kernel inside a bzImage (Documentation/arch/x86/boot.rst).

    payload_offset counts from the end of the real-mode setup code; the payload ends with four
    bytes that hold the uncompressed size. A file that is an ELF already is returned as it is.
    """
    data = vmlinuz.read_bytes()
    if data[:4] == b"\x7fELF":
        return data
    if data[0x202:0x206] != b"HdrS":
        raise LabError(f"{vmlinuz} is not a bzImage")
    setup = (data[0x1f1] or 4) + 1
    start = setup * 512 + int.from_bytes(data[0x248:0x24c], "little")
    packed = data[start:start + int.from_bytes(data[0x24c:0x250], "little") - 4]
    if packed[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(packed)
    if packed[:4] == b"\x28\xb5\x2f\xfd":
        return unzstd(packed)
    if packed[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(packed)
    raise LabError(f"{vmlinuz} is compressed in a way the lab does not know "
                   f"(it starts with {packed[:4].hex()})")
