# SPDX-License-Identifier: GPL-2.0-only
"""The emulator, as the machine has it, or one that can what the machine's cannot.

One thread for all virtual CPUs is what several guests on few cores want, but races between CPUs
hardly happen in it. QEMU 7.2, Debian 12's, cannot give each a thread of its own: a kernel that
patches its text (a tracer attaching) oopses. QEMU 10, Debian 13's, can; but with a clock that
counts instructions it dies of a "Bad icount read", and a PVH guest of its Xen ends at once, which
7.2 both does. Where the machine has another one than is needed, that of the Debian that has it is
fetched as kernels are, with its libraries, and run by its own loader.
"""

import os
import pathlib
import re
import shutil

from . import LabError, cache
from .packages import Suite, newest, run, say
from .toolstack import LIBDIRS, libraries

NAME = "qemu-system-x86_64"
PACKAGES = ("qemu-system-x86", "qemu-system-data", "qemu-system-common", "seabios")
DATA = ("usr/share/qemu", "usr/share/seabios")
MODULES = "usr/lib/x86_64-linux-gnu/qemu"
RECIPE = 1  # counts changes to what the tree holds


def own():
    """The machine's own QEMU: its command line, and its environment."""
    if not shutil.which(NAME):
        raise LabError(f"{NAME} is not installed: run tools/packages lab")
    return [NAME], None


def with_threads():
    """As own(), of a QEMU that gives each virtual CPU a thread."""
    return own_or("trixie", lambda version: version >= 10)


def with_icount():
    """As own(), of a QEMU whose clock can count instructions, and in which PVH guests live."""
    return own_or("bookworm", lambda version: version < 8)


def own_or(suite, will_do):
    """The machine's own QEMU if its version will do, or else SUITE's."""
    command, environment = own()
    version = re.search(r"version (\d+)", run([NAME, "--version"]))
    if version and will_do(int(version[1])):
        return command, environment
    tree = newest(f"{suite}'s QEMU", cache.root() / "qemu", f"{suite}.current",
                  lambda made: made.endswith(recipe()), lambda: fetch(suite))
    loader = next((tree / "lib64").glob("ld-linux*"))
    path = ":".join(str(tree / libdir) for libdir in LIBDIRS)
    command = [str(loader), "--library-path", path, str(tree / "usr/bin" / NAME)]
    for data in DATA:
        command += ["-L", str(tree / data)]
    return command, {**os.environ, "QEMU_MODULE_DIR": str(tree / MODULES)}


def recipe():
    """A name for how the tree is made."""
    return cache.key(RECIPE, *PACKAGES, *DATA)[:8]


def fetch(name):
    """Collect QEMU, its firmware, its modules and all libraries that these need."""
    suite = Suite(name)
    packages = [suite.find(name) for name in PACKAGES]
    final = cache.root() / "qemu" / f"{cache.key(*packages)}-{recipe()}"
    if final.exists():
        return final
    say(f"collecting QEMU {packages[0].version} and its libraries from {suite.name}")
    trees = [suite.tree(package) for package in packages]
    program = trees[0] / "usr/bin" / NAME
    modules = [path for tree in trees for path in (tree / MODULES).glob("accel-tcg-*.so")]
    depends = [name for package in packages for name in package.depends]
    found = {f"usr/bin/{NAME}": program, **{f"{MODULES}/{path.name}": path for path in modules}}
    found.update(libraries(suite, [program, *modules], depends))
    for tree in trees:
        for data in DATA:
            found.update((str(path.relative_to(tree)), path) for path in (tree / data).rglob("*")
                         if path.exists() and path.is_file())
    with cache.workdir() as temp:
        for name, source in found.items():
            target = temp / "tree" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pathlib.Path(source), target)
        return cache.publish(temp / "tree", final)
