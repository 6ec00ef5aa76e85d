# SPDX-License-Identifier: GPL-2.0-only
"""Build a module of this directory for a kernel of the lab: build.py KERNEL DIRECTORY [MODULE].

What it must know of the kernel stands in the kernel's BTF, and the version that a module must
name stands in its image. So it needs no kernel headers, which want the very
compiler that built the kernel: each Debian release has another.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tools"))

from lab import kernels  # noqa: E402

FLAGS = ("-O2 -Wall -Werror -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone "
         "-mgeneral-regs-only -fno-stack-protector -fno-omit-frame-pointer -fcf-protection=none "
         "-fno-asynchronous-unwind-tables -fno-optimize-sibling-calls -fno-jump-tables "
         "-fno-common").split()


class Btf:
    """The types of a kernel image."""

    def __init__(self, vmlinux, temp):
        raw = temp / "btf"
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.BTF", vmlinux, raw], check=True)
        dump = subprocess.run(["/usr/sbin/bpftool", "-j", "btf", "dump", "file", raw], check=True,
                              capture_output=True).stdout
        self.types = {t["id"]: t for t in json.loads(dump)["types"]}
        self.named = {(t["kind"], t["name"]): t for t in reversed(self.types.values())}

    def size(self, name):
        """Of a struct, in bytes."""
        return self.named["STRUCT", name]["size"]

    def offset(self, struct, member):
        """In bytes; anonymous structs and unions are looked into."""
        bits = self.find(self.named["STRUCT", struct], member)
        assert bits is not None, (struct, member)
        return bits // 8

    def find(self, kind, member):
        """The bits before MEMBER, or None."""
        for m in kind["members"]:
            if m["name"] == member:
                return m["bits_offset"]
            inner = self.types.get(m["type_id"])
            if m["name"] == "(anon)" and inner["kind"] in ("STRUCT", "UNION"):
                below = self.find(inner, member)
                if below is not None:
                    return m["bits_offset"] + below
        return None

    def value(self, enum, name):
        """Of an enumerator."""
        return next(v["val"] for v in self.named["ENUM", enum]["values"] if v["name"] == name)


def vermagic(kernel):
    """What the kernel compares a module's with: the string stands in its image."""
    release = kernel.libdir.name.encode()
    found = re.search(re.escape(release) + rb" SMP [^\0]*mod_unload[^\0]*",
                      kernel.vmlinux().read_bytes())
    if not found:
        raise SystemExit(f"{kernel.name}: its image names no version of modules")
    return found[0].decode()


def build(name, out, module="inject"):
    """Make OUT/MODULE.ko for the kernel called NAME; returns its path."""
    kernel = kernels.find(name)
    btf = Btf(kernel.vmlinux(), out)
    numbers = {
        "MODULE_NAME": btf.offset("module", "name"), "MODULE_ARGS": btf.offset("module", "args"),
        "MODULE_INIT": btf.offset("module", "init"), "MODULE_EXIT": btf.offset("module", "exit"),
        "MODULE_SIZE": btf.size("module"), "PAGE_SIZEOF": btf.size("page"),
        "PAGE_REFCOUNT": btf.offset("page", "_refcount"),
        "PAGE_PRIVATE": btf.offset("page", "private"),
        "PG_PINNED": btf.value("pageflags", "PG_pinned"),
        "MM_PGD": btf.offset("mm_struct", "pgd"), "TASK_MM": btf.offset("task_struct", "mm"),
        "TASK_TASKS": btf.offset("task_struct", "tasks"),
        "TASK_TGID": btf.offset("task_struct", "tgid"),
    }
    defines = [f"-D{key}={value}" for key, value in numbers.items()]
    subprocess.run(["gcc", *FLAGS, *defines, f'-DVERMAGIC="{vermagic(kernel)}"', f'-DMODULE="{module}"', "-c", "-o",
                    out / f"{module}.ko", HERE / f"{module}.c"], check=True)
    return out / f"{module}.ko"


if __name__ == "__main__":
    print(build(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
