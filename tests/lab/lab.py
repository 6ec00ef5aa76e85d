# SPDX-License-Identifier: GPL-2.0-only
"""Run a guest script in the lab once, and read what it left."""
import fcntl
import functools
import json
import os
import re
import subprocess
import tarfile
import warnings
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
NAMES = os.environ.get("XENPIN_KERNELS", "stock-6.1").split()
SERIES = [name for name in NAMES if name.startswith("patched-")]
PACKAGED = [name for name in NAMES if name.startswith("deb-")]
KERNELS = [name for name in NAMES if name not in [*SERIES, *PACKAGED]]
# Of the kernels with the series each takes the boots that differ in what they show of the series; the first
# one takes the rest.
PATCHED = SERIES if os.environ.get("XENPIN_THOROUGH") else SERIES[:1]
# The oldest and the newest stock kernel take every script; those between take what depends on the
# kernel most: audits, records against witnesses, the verifier, other compilers' programs, the clock.
# XENPIN_THOROUGH=yes: all take all.
ENDS = KERNELS if os.environ.get("XENPIN_THOROUGH") else [k for k in KERNELS if k in (KERNELS[0], KERNELS[-1])]
TIMEOUT = 124	# xenlab's status
HOST_TOOLS = ["/usr/bin/bpftrace", "/usr/sbin/bpftool", "/usr/bin/setpriv"]

LEVEL_OF_KERNEL = {0: 4, 2: 3, 3: 2, 4: 1}	# enum pt_level: PGD, PUD, PMD, PTE


def one_worker_each(boot, *words, kernels=KERNELS):
    """The kernels (and WORDS) as fixture parameters; all tests of one boot go to one worker."""
    return [pytest.param(" ".join([k, *words]), marks=pytest.mark.xdist_group(f"{boot}-{k}"))
            for k in kernels]


def test_dir():
    """Where this run of the tests keeps what guests leave."""
    return Path(os.environ["XENPIN_TEST_DIR"])


@functools.cache
def validator():
    schema = json.loads((ROOT / "docs/records.schema.json").read_text())
    return {name: jsonschema.Draft7Validator({**schema["definitions"][name],
                                              "definitions": schema["definitions"]})
            for name in schema["definitions"] if name not in ("t", "level", "class", "grade")}


def report_schema():
    """docs/report.schema.json; what it refers to in docs/records.schema.json is in it."""
    text = (ROOT / "docs/report.schema.json").read_text().replace('"records.schema.json#', '"#')
    records = json.loads((ROOT / "docs/records.schema.json").read_text())
    return {**json.loads(text), "definitions": records["definitions"]}


def parse(text):
    """JSON lines, each of which must fit its type's schema."""
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        error = jsonschema.exceptions.best_match(validator()[record["type"]].iter_errors(record))
        assert error is None, f"{error.message} in {record}"
    return records


class Result:
    """Everything that a guest script left in its tar file."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def text(self, name):
        return (self.directory / name).read_text()

    def status(self, name):
        return int(self.text(name + ".rc"))

    def records(self, name):
        return parse(self.text(name + ".out"))

    def left_over(self, name):
        return self.text(name + ".left")


def xenlab(out, options, command):
    """Returns xenlab's exit status; its stderr goes to out/xenlab.log."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "xenlab.log", "w") as log:
        return subprocess.run([ROOT / "tools/xenlab", "--out", out, *options, "--", *command],
                              stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode


def boot(out, options, command):
    """As xenlab(); once more when an emulated kernel hung on its way, before anything of ours ran."""
    status = xenlab(out, options, command)
    log = (out / "xenlab.log").read_text()
    if status == TIMEOUT and "timeout: the guest booted for more than" in log:
        warnings.warn(f"the kernel hung in its boot, the lab boots again: {log}", stacklevel=2)
        status = xenlab(out, options, command)
    return status


def injector(kernel, module="inject"):
    """A module of tests/lab/inject for @kernel, as --add wants it."""
    out = test_dir() / f"{module}-{kernel}"
    out.mkdir(exist_ok=True)
    # Another process: "lab" is another module there.
    if not (out / f"{module}.ko").exists():
        subprocess.run(["/usr/bin/python3", HERE / "inject/build.py", kernel, out, module], check=True,
                       stdout=subprocess.DEVNULL)
    return f"{out}/{module}.ko:/root/{module}.ko"


def unpack(archive, into):
    """Python 3.14 wants to be told what may be in it, and Debian 12's is not told."""
    with tarfile.open(archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(into)


def run_script(script, kernel, *options, tools=HOST_TOOLS):
    """Boot @kernel, run tests/lab/@script there; one boot for all tests of a session."""
    name = "-".join([script, kernel, *(re.sub(r"\W+", "", o) for o in options)])
    out = test_dir() / name
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "done").exists():
            add = [HERE / "guest-lib.sh", HERE / script, ROOT / "build/forks", *tools]
            arguments = ["--kernel", kernel, "--get", "/root/out.tar", "--timeout", "1200",
                         *options]
            for path in add:
                arguments += ["--add", path]
            status = boot(out, arguments, ["sh", f"/usr/local/bin/{script}"])
            (out / "done").write_text(str(status))
            if status == 0:
                unpack(out / "out.tar", out / "files")
        status = int((out / "done").read_text())
    log = (out / "xenlab.log").read_text()
    assert status == 0, f"xenlab: {status}\n{log}"
    return Result(out / "files")
