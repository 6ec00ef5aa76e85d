# SPDX-License-Identifier: GPL-2.0-only
"""The few programs of Xen's toolstack that start a domU, with their libraries.

They come from the suite of the hypervisor, and so does their C library. In the guest they live
in a tree of their own (/xen, entered by chroot), where nothing of the host's gets in their way.
"""

import pathlib
import re
import shutil

from . import LabError, cache, elf
from .packages import Suite, newest, say
from .xen import SUITES

PROGRAMS = ("xenstored", "xenconsoled", "xen-init-dom0", "xl")
LIBDIRS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
BY_NAME = ("libgcc_s.so.1",)  # loaded by pthread_cancel(), so no ELF header mentions it
RECIPE = 1  # counts changes to what the tree holds


def find(version):
    """The directory with the toolstack of Xen VERSION."""
    return newest(f"Xen {version}'s tools", cache.root() / "xen", f"toolstack-{version}.current",
                  lambda made: made.endswith(recipe()), lambda: fetch(version))


def recipe():
    """A name for how the tree is made."""
    return cache.key(RECIPE, *PROGRAMS, *BY_NAME)[:8]


def fetch(version):
    """Collect the programs and whatever libraries they turn out to need."""
    suite = Suite(SUITES[version])
    utils = suite.find(f"xen-utils-{version}")
    store = suite.find("xenstore-utils")
    final = cache.root() / "xen" / f"toolstack-{version}-{cache.key(utils, store)}-{recipe()}"
    if final.exists():
        return final
    say(f"collecting the tools of Xen {version} and their libraries from {suite.name}")
    programs = suite.tree(utils) / "usr" / "lib" / f"xen-{version}" / "bin"
    found = {f"usr/bin/{name}": programs / name for name in PROGRAMS}
    found["usr/bin/xenstore"] = suite.tree(store) / "usr" / "bin" / "xenstore"
    found.update(libraries(suite, [*found.values()], [*utils.depends, *store.depends]))
    with cache.workdir() as temp:
        for name, source in found.items():
            target = temp / "tree" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        return cache.publish(temp / "tree", final)


def libraries(suite, programs, packages):
    """{path in the tree: file} of the libraries that PROGRAMS need, and of their loader.

    Package by package, the library packages that PACKAGES name and then those that these depend
    on, until no name is open. Dependencies of all sorts come along in a real installation; here
    only what the dynamic loader will ask for.
    """
    have, seen, found = {}, set(), {}
    loader = elf.interpreter(programs[0])
    waiting = list(packages)
    wanted = [pathlib.PurePath(loader).name, *BY_NAME]
    wanted += [name for program in programs for name in elf.needed(program)]
    while wanted:
        name = wanted.pop(0)
        if name in found:
            continue
        while name not in have:
            waiting = [p for p in waiting if p.startswith(("lib", "zlib")) and p not in seen]
            if not waiting:
                raise LabError(f"no package of {suite.name} that Xen depends on holds {name}")
            seen.add(waiting[0])
            package = suite.find(waiting.pop(0))
            waiting += package.depends
            have.update(shared_objects(suite.tree(package)))
        found[name] = have[name]
        wanted += elf.needed(have[name])
    placed = {f"usr/lib/x86_64-linux-gnu/{name}": path for name, path in found.items()}
    placed[loader.lstrip("/")] = found[pathlib.PurePath(loader).name]
    return placed


def shared_objects(tree):
    """{name: path} of the libraries in an unpacked package, links included."""
    return {path.name: path for libdir in LIBDIRS for path in (tree / libdir).glob("*.so*")
            if re.search(r"\.so(\.|$)", path.name) and path.exists()}
