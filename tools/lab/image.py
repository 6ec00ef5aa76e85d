# SPDX-License-Identifier: GPL-2.0-only
"""The guest's initramfs, written as a cpio archive ("newc") without the need for root.

It is a few megabytes and takes a few milliseconds to write, so it is made anew for each run.
Nothing in it is compressed: the emulated machine would have to undo that.
"""

import os
import pathlib
import shutil
import stat

from . import LabError, cache, elf, kernels
from .packages import run

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = pathlib.Path("/bin/busybox")
DIRS = ("dev", "etc", "proc", "root", "run", "sys", "tmp", "usr", "usr/bin", "usr/lib",
        "usr/lib64", "usr/local", "usr/local/bin", "usr/sbin", "var", "xenlab",
        "xenlab/modules")
# Debian's layout: a program finds its libraries under either name.
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
         "var/run": "/run", "init": "xenlab/init"}
ETC = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n",
       "etc/hosts": "127.0.0.1 localhost\n", "etc/nsswitch.conf": "passwd: files\n"}


class Image:
    """The files of a guest, by their path without the leading slash."""

    def __init__(self):
        self.files = {}  # path -> (mode, Path of the content or bytes)
        for name in DIRS:
            self.files[name] = (stat.S_IFDIR | 0o755, b"")
        for name, target in LINKS.items():
            self.link(name, target)
        for name, text in ETC.items():
            self.data(name, text.encode())

    def place(self, path):
        """PATH as the archive has it: no leading slash, no link on the way, parents present."""
        parts = pathlib.PurePosixPath(os.path.normpath("/" + path)).parts[1:]
        if parts[0] in ("bin", "sbin", "lib", "lib64") and len(parts) > 1:
            parts = ("usr", *parts)
        for depth in range(1, len(parts)):
            self.files.setdefault("/".join(parts[:depth]), (stat.S_IFDIR | 0o755, b""))
        return "/".join(parts)

    def link(self, path, target):
        """A symbolic link."""
        self.files[path if path in LINKS else self.place(path)] = (
            stat.S_IFLNK | 0o777, target.encode())

    def data(self, path, content, mode=0o644):
        """A file with the given content (bytes)."""
        self.files[self.place(path)] = (stat.S_IFREG | mode, content)

    def file(self, path, source):
        """A copy of the host's file SOURCE, its mode kept."""
        mode = stat.S_IMODE(source.stat().st_mode)
        self.files[self.place(path)] = (stat.S_IFREG | mode, source)

    def program(self, path, source):
        """A file; when it is a dynamic ELF, with all it needs to run."""
        self.file(path, source)
        if elf.is_elf(source):
            for library in elf.libraries(source):
                self.file(str(library), library)

    def tree(self, path, source):
        """All that the host's directory SOURCE holds."""
        for file in sorted(p for p in source.rglob("*") if p.is_file()):
            self.file(f"{path}/{file.relative_to(source)}", file)

    def add(self, spec):
        """What --add names: FILE or FILE:GUESTPATH; a directory is taken with all it holds."""
        name, _, target = spec.partition(":")
        source = pathlib.Path(name)
        if source.is_dir():
            if not target:
                raise LabError(f"--add {name}: a directory needs a place, as in {name}:/opt/data")
            for path in sorted(p for p in source.rglob("*") if p.is_file()):
                self.program(f"{target}/{path.relative_to(source)}", path)
        elif source.is_file():
            if target.endswith("/"):
                target += source.name
            try:
                self.program(target or f"/usr/local/bin/{source.name}", source)
            except PermissionError:
                raise LabError(f"--add {name}: no permission to read it") from None
        else:
            raise LabError(f"--add {name}: no such file")

    def base(self, kernel, role):
        """What every guest has: busybox, the kernel's modules, init and the runner."""
        if not BUSYBOX.exists() or elf.interpreter(BUSYBOX):
            raise LabError(f"{BUSYBOX} is missing or not static: install busybox-static")
        self.file("bin/busybox", BUSYBOX)
        for applet in run([str(BUSYBOX), "--list-full"]).split():
            if self.place(applet) not in self.files:
                self.link(applet, "/bin/busybox")
        wanted = kernels.XEN if role == "domu" else kernels.MODULES
        for at, module in enumerate(kernel.modules(wanted)):
            self.file(f"xenlab/modules/{at:02}-{module.name}", module)
        self.file("xenlab/init", HERE / "guest-init")
        self.file("xenlab/start-domu", HERE / "start-domu")
        self.file("xenlab/runner", runner())
        self.data("xenlab/role", f"{role}\n".encode())

    def command(self, argv, get):
        """The command to run and the files to send back."""
        self.data("xenlab/command", strings(argv))
        self.data("xenlab/get", strings(get))

    def write(self, path):
        """Write the archive to PATH."""
        with open(path, "wb") as out:
            for inode, (name, (mode, content)) in enumerate(sorted(self.files.items()), 1):
                size = len(content) if isinstance(content, bytes) else content.stat().st_size
                header(out, name, mode, inode, size)
                if isinstance(content, bytes):
                    out.write(content)
                else:
                    with open(content, "rb") as file:
                        shutil.copyfileobj(file, out)
                out.write(b"\0" * (-out.tell() % 4))
            # Device nodes that must exist before guest-init mounts devtmpfs.
            header(out, "dev/console", stat.S_IFCHR | 0o600, 0, 0, (5, 1))
            header(out, "TRAILER!!!", 0, 0, 0)
            out.write(b"\0" * (-out.tell() % 512))


def header(out, name, mode, inode, size, device=(0, 0)):
    """One cpio entry up to its content (Documentation/driver-api/early-userspace/buffer-format)."""
    raw = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, size, 0, 0, *device, len(raw), 0)
    out.write(b"070701" + b"".join(b"%08x" % f for f in fields) + raw)
    out.write(b"\0" * (-out.tell() % 4))


def strings(items):
    """NUL-terminated strings, one after the other."""
    return b"".join(os.fsencode(item) + b"\0" for item in items)


def runner():
    """The compiled runner.c, static, because a guest has no libraries of its own."""
    source = HERE / "runner.c"
    final = cache.root() / "runner" / cache.key(source)
    if not final.exists():
        with cache.workdir() as temp:
            run(["gcc", "-static", "-Os", "-s", "-Wall", "-o", str(temp / "runner"), str(source)])
            cache.publish(temp / "runner", final)
    return final
