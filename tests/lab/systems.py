# SPDX-License-Identifier: GPL-2.0-only
"""Other Debians: xenpin as their own compilers and libraries make it, and whether its tests pass there."""
import fcntl
import os
import subprocess
from pathlib import Path

import lab

# Named by `make check-all`; each takes minutes to build and test in.
SYSTEMS = os.environ.get("XENPIN_SYSTEMS", "").split()
# Directories in which `make` built with one compiler each: the default one's, and others'.
BUILDS = os.environ.get("XENPIN_BUILDS", str(lab.ROOT / "build")).split()
# Two systems are tested side by side, each on a core.  Fuzzing, the consoles' variants, hostile recordings
# and what a change touches ask nothing of a system's libraries, so one system has them; `make check-systems`
# runs all in fresh ones.
COMMAND = """set -e
clang --version >/out/clang
make all build/verify
cp build/xenpin build/verify /out/
export PYTEST_ADDOPTS="-k 'not test_hostile and not is_added_in and not anywhere_it_is_the_same'"
make check-host FUZZ= TESTS="unit replay cli consoles/test_consoles.py" WORKERS=1"""


class System:
    """What came of COMMAND in a root of SUITE; made once in a run of the tests."""

    def __init__(self, suite):
        self.suite = suite
        self.out = lab.test_dir() / f"system-{suite}"
        self.out.mkdir(exist_ok=True)
        with open(self.out / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.out / "status").exists():
                with open(self.out / "log", "w") as log:
                    status = subprocess.run(
                        [lab.ROOT / "tools/system", "--out", self.out, suite, "--", "sh", "-c",
                         COMMAND],
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
                (self.out / "status").write_text(str(status))
        self.status = int((self.out / "status").read_text())
        self.log = (self.out / "log").read_text()

    def program(self, name):
        """What it built; that its tests pass is another test's business."""
        assert (self.out / name).exists(), self.log[-4000:]
        return self.out / name


def clang_version(words):
    """"Debian clang version 19.1.7 (3+b1)" is 19."""
    return words.partition("clang version ")[2].partition(".")[0]


def verifiers():
    """{version of clang: the verifying program that it compiled}"""
    found = {}
    for build in map(Path, BUILDS):
        clang = build.name if build.name.startswith("clang-") else "clang"
        words = subprocess.run([clang, "--version"], capture_output=True, text=True, check=True).stdout
        found[clang_version(words)] = build / "verify"
    for suite in SYSTEMS:
        program = System(suite).program("verify")
        found.setdefault(clang_version((program.parent / "clang").read_text()), program)
    return found
