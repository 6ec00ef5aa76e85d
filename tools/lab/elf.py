# SPDX-License-Identifier: GPL-2.0-only
"""Which other files a program needs to run in the guest."""

import pathlib
import re
import subprocess

from . import LabError
from .packages import run

PT_INTERP = 3


def is_elf(path):
    """Whether the file is an ELF object."""
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def interpreter(path):
    """The dynamic loader that PATH asks for, or None: it is static, or no ELF of 64 bits."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return None
    phoff = int.from_bytes(data[32:40], "little")
    size, count = (int.from_bytes(data[at:at + 2], "little") for at in (54, 56))
    for at in range(phoff, phoff + size * count, size):
        if int.from_bytes(data[at:at + 4], "little") == PT_INTERP:
            start, length = (int.from_bytes(data[at + o:at + o + 8], "little") for o in (8, 32))
            return data[start:start + length].rstrip(b"\0").decode()
    return None


def libraries(path):
    """The shared libraries and the loader that the program or library PATH needs on this machine."""
    done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    missing = re.findall(r"^\s*(\S+) => not found", done.stdout, re.M)
    if missing:
        raise LabError(f"{path} needs {', '.join(missing)}, which this machine does not have")
    found = {pathlib.Path(p) for p in re.findall(r"(?:=>\s|^\s)\s*(/\S+) \(0x", done.stdout, re.M)}
    # pthread_cancel() loads libgcc_s by name, so no ELF header mentions it.
    for libc in [p for p in found if p.name == "libc.so.6"]:
        libgcc = libc.parent / "libgcc_s.so.1"
        if libgcc.exists():
            found.add(libgcc)
    return sorted(found)


def needed(path):
    """The names of the libraries that PATH's dynamic section asks for."""
    text = run(["readelf", "-d", str(path)])
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^]]+)\]", text)
