# SPDX-License-Identifier: GPL-2.0-only
"""What the lab keeps between runs.

Everything below the cache directory is either complete or absent: it is made in a directory
of its own under tmp/ and then renamed. A run that is interrupted, or two that make the same
thing at the same time, can therefore never leave half a file for the next one.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

from . import LabError

DAY = 24 * 3600


def root():
    """The cache directory of this user, created when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = pathlib.Path(base) / "xenpin"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise LabError(f"what is fetched is kept in {path}, which cannot be made "
                       f"({err.strerror}): set XDG_CACHE_HOME to a directory that can be written") from None
    return path


@contextlib.contextmanager
def lock(name):
    """Hold the lock NAME: one process at a time fetches or builds a given thing.

    The lock file stays: removing it would let a third process lock a new file of that name
    while a second one still waits for the old.
    """
    directory = root() / "lock"
    directory.mkdir(exist_ok=True)
    with open(directory / name.replace("/", "_"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def workdir():
    """A temporary directory on the cache's own file system, so that a rename is enough to publish."""
    parent = root() / "tmp"
    parent.mkdir(exist_ok=True)
    sweep(parent)
    path = pathlib.Path(tempfile.mkdtemp(dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent):
    """Remove what a killed run left behind. A day is longer than any build."""
    for path in parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > DAY:
                shutil.rmtree(path, ignore_errors=True)


def publish(made, final):
    """Rename MADE to FINAL. When another run was faster, its result is as good as ours."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(made, final)
    except OSError:
        if not final.exists():
            raise
    return final


def write(path, data):
    """Replace PATH by DATA in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    os.rename(name, path)


def key(*parts):
    """A short name for content: files by what is in them, everything else by its text."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pathlib.Path):
            digest.update(part.read_bytes())
        else:
            digest.update(str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def age(path):
    """Seconds since PATH was last written, or None when it does not exist."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
