# SPDX-License-Identifier: GPL-2.0-only
"""One boot in QEMU, from power-on to the command's exit status."""

import ctypes
import os
import pathlib
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

from . import LabError, qemu
from .frames import (ERR, FAILED, FILE_DATA, FILE_END, FILE_NAME, KMSG, OUT, READY, STATUS,
                     Decoder)
from .packages import say

TIMEOUT, CRASHED, NO_LAB = 124, 125, 126
TAIL = 30  # console lines shown after a crash
# Xen waits five seconds before it reboots a machine whose dom0 died; nobody else has to.
DEAD = re.compile(rb"^\(XEN\) (\[[^]]*\] )?.*(rebooting machine in|Reboot in \w+ seconds)")
PR_SET_PDEATHSIG = 1


class Console:
    """A console's log file, and its last lines for the report of a crash."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "wb")  # closed by close(), at the end of the run
        self.tail = b""

    def write(self, text):
        """Append TEXT as it came, but for the carriage returns."""
        text = text.replace(b"\r", b"")
        self.file.write(text)
        self.file.flush()
        self.tail = (self.tail + text)[-8192:]

    def last(self):
        """The last lines, as text."""
        return "\n".join(self.tail.decode(errors="replace").splitlines()[-TAIL:])

    def close(self):
        """Close the file."""
        self.file.close()


class Machine:
    """QEMU with its console and its port, and what has been heard from the guest.

    `out` is the directory for console.log and the files of --get. With `domu` the port carries
    the domU's console, the frames of its runner among it; then console.log is the domU's and
    QEMU's own console, that of Xen and dom0, goes to dom0-console.log.
    """

    def __init__(self, command, out, domu=False):
        self.out = out
        self.started = time.monotonic()
        self.ready = None
        self.status = None
        self.failed = None
        self.file = None
        self.dead = False
        self.guest = Console(out / "console.log")
        self.host = Console(out / "dom0-console.log") if domu else self.guest
        self.select = selectors.DefaultSelector()
        ours, theirs = socket.socketpair()
        command, environment = command
        self.qemu = subprocess.Popen(
            command + ["-chardev", f"socket,id=port,fd={theirs.fileno()}"], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()], preexec_fn=die_with_parent)
        theirs.close()
        self.port = ours
        self.qemu_says = b""
        # stream -> (decoder, where its text goes)
        self.streams = {self.qemu.stdout.fileno(): (Decoder(), self.host),
                        ours.fileno(): (Decoder(), self.guest)}
        for fd in [*self.streams, self.qemu.stderr.fileno()]:
            os.set_blocking(fd, False)
            self.select.register(fd, selectors.EVENT_READ)

    def run(self, timeout):
        """Follow the guest to its end; returns the exit status of xenlab."""
        end = self.started + timeout
        try:
            while self.status is None and self.failed is None and self.select.get_map():
                left = end - time.monotonic()
                if left <= 0 or self.dead:
                    break
                for key, _ in self.select.select(left):
                    self.read(key.fd)
        finally:
            self.stop()
        return self.verdict(timeout, time.monotonic() >= end)

    def read(self, fd):
        """Take in what one stream has."""
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self.select.unregister(fd)
        elif fd in self.streams:
            decoder, console = self.streams[fd]
            for kind, payload in decoder.feed(data):
                self.take(kind, payload, console)
        else:
            self.qemu_says = (self.qemu_says + data)[-4096:]

    def take(self, kind, payload, console):
        """Act on one frame, or on text between frames."""
        if kind is None:
            console.write(payload)
            self.dead = self.dead or bool(DEAD.match(payload))
        elif kind == OUT:
            show(sys.stdout, payload)
        elif kind == ERR:
            show(sys.stderr, payload)
        elif kind == KMSG:
            console.write(payload)
        elif kind == READY:
            self.ready = time.monotonic() - self.started
            say(f"up after {self.ready:.1f} s, Linux {payload.decode()}")
        elif kind == STATUS:
            self.status = int(payload)
        elif kind == FAILED:
            self.failed = payload.decode(errors="replace")
        elif kind == FILE_NAME:
            self.file = open(self.out / pathlib.PurePosixPath(payload.decode()).name, "wb")
        elif kind == FILE_DATA:
            self.file.write(payload)
        elif kind == FILE_END:
            self.file.close()

    def stop(self):
        """End QEMU, ours and no other, and take in its last words."""
        if self.qemu.poll() is None:
            self.qemu.terminate()
            try:
                self.qemu.wait(5)
            except subprocess.TimeoutExpired:
                self.qemu.kill()
                self.qemu.wait()
        for fd in list(self.select.get_map()):
            self.read(fd)
        for decoder, console in self.streams.values():
            console.write(decoder.end())
        self.guest.close()
        self.host.close()
        self.port.close()

    def verdict(self, timeout, late):
        """What the end of the run means."""
        damaged = sum(decoder.damaged for decoder, _ in self.streams.values())
        if self.failed is not None:
            raise LabError(f"{self.failed}\n{self.host.last()}")
        if self.status is not None:
            if damaged:
                raise LabError(f"{damaged} pieces of the command's output were lost on the "
                               f"console; it ended with status {self.status}")
            return self.status
        if late and not self.dead:
            where = "the command ran" if self.ready else "the guest booted"
            say(f"timeout: {where} for more than {timeout:g} s; the console is in "
                f"{self.guest.path}")
            return TIMEOUT
        if self.qemu.returncode and not self.ready and not self.host.tail:
            text = self.qemu_says.decode(errors="replace").strip() or "no message"
            raise LabError(f"QEMU ended with status {self.qemu.returncode}: {text}")
        if self.qemu.returncode and not self.dead:
            text = self.qemu_says.decode(errors="replace").strip() or "no message"
            raise LabError(f"QEMU was lost (status {self.qemu.returncode}): {text}")
        return self.crash()

    def crash(self):
        """Report a guest that ended without a word."""
        when = "while the command ran" if self.ready else "before it was up"
        shown = self.guest if self.guest.tail.strip() else self.host
        say(f"the guest crashed {when}; the last lines of {shown.path}:")
        print(shown.last(), file=sys.stderr, flush=True)
        return CRASHED


def show(stream, payload):
    """Pass the command's output on as it comes."""
    stream.buffer.write(payload)
    stream.buffer.flush()


def die_with_parent():
    """QEMU must not outlive a xenlab that was killed. Runs in the child, before QEMU."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def qemu_command(xen, xen_args, modules, mem, vcpus, icount, threads, pvh):
    """QEMU's command line, and its environment.

    `modules` is [(path, arguments)]: first dom0's kernel, then its initramfs. SMAP is off: with
    it, the emulated PV guest dies early of a page fault that no real machine has.
    """
    def module(path, arguments):
        # QEMU separates modules by commas; two of them are one that is meant.
        return " ".join([str(path).replace(",", ",,"), arguments.replace(",", ",,")]).strip()

    choose = qemu.with_threads if threads else qemu.with_icount if icount or pvh else qemu.own
    emulator, environment = choose()
    # Reserved or not: a guest may be larger than this machine, if it does not touch all of it.
    command = [*emulator, "-machine", "q35,memory-backend=ram", "-m", f"{mem}M",
               "-object", f"memory-backend-ram,id=ram,size={mem}M,reserve=off",
               "-cpu", "max,-smap,-smep", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
               "-kernel", str(xen), "-append", xen_args,
               "-initrd", ",".join(module(*m) for m in modules),
               "-device", "virtio-serial-pci", "-device",
               "virtserialport,chardev=port,name=xenlab"]
    if icount:
        command += ["-accel", "tcg", "-icount", "shift=1,sleep=off", "-smp", "1"]
    else:
        command += ["-accel", f"tcg,thread={'multi' if threads else 'single'}", "-smp", str(vcpus)]
    return command, environment
