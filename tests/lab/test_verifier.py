# SPDX-License-Identifier: GPL-2.0-only
"""
Every BPF program loads whatever clang made it, on every kernel, with all options that change it.

tests/verifier/KERNEL.tsv says how many instructions the verifier looked at: object, program,
version of clang, with the default options, at most.  `make verifier-counts` writes these files.
"""
import os
import re

import pytest

import lab
import systems

TABLES = lab.ROOT / "tests/verifier"
GROWTH = 1.10
# Of sid's kernel and compiler another may come any day, so only what nearly doubles is a failure.
GROWTH_OF_WHAT_MOVES = 1.9
FEW = 60	# instructions: nobody waits for these
MOVES = "stock-sid"


def read(text):
    """{(object, program, clang): (default, most)}"""
    rows = [line.split("\t") for line in text.splitlines()]
    return {tuple(row[:3]): tuple(map(int, row[3:])) for row in rows}


class Verified:
    def __init__(self, kernel):
        self.kernel = kernel
        programs = systems.verifiers()
        options = ["--dom0-mem", "2048"]
        for version, path in programs.items():
            options += ["--add", f"{path}:/root/verify-{version}"]
        self.result = lab.run_script("verify.sh", kernel, *options)
        self.versions = list(programs)
        self.counts = {}
        for version in self.versions:
            for line in self.result.text(f"verify-{version}.out").splitlines():
                name, program, *numbers = line.split("\t")
                self.counts[name, program, version] = tuple(map(int, numbers))


@pytest.fixture(scope="module", params=lab.one_worker_each("verify", kernels=lab.KERNELS + lab.PATCHED))
def verified(request):
    return Verified(request.param)


def test_all_load(verified):
    refused = [v for v in verified.versions if verified.result.status(f"verify-{v}")]
    assert not refused, verified.result.text(f"verify-{refused[0]}.err")[-4000:]
    for version in verified.versions:
        loads = re.search(r"verify: (\d+) loads", verified.result.text(f"verify-{version}.err"))
        assert int(loads[1]) > 64 * 3
        programs = {(name, program) for name, program, v in verified.counts if v == version}
        expected = {("trace", "flush_btf"), ("trace", "flush_raw"), ("trace", "alloc_tp"), ("audit_old", "walk"),
                    ("audit_old", "scan_read"), ("counters", "count_full"), ("watch", "flags_written")}
        if verified.kernel in lab.PATCHED:
            expected |= {("boot", "early_record"), ("trace", "flag_set_btf")}
        assert expected <= programs


def test_all_compilers_are_tried(verified):
    if systems.SYSTEMS:
        assert len(verified.versions) >= 3, verified.versions


def test_the_verifier_has_not_more_to_look_at(verified):
    path = TABLES / f"{verified.kernel}.tsv"
    if os.environ.get("XENPIN_WRITE_COUNTS"):
        path.write_text("".join("\t".join(map(str, [*key, *verified.counts[key]])) + "\n"
                                for key in sorted(verified.counts)))
    known = read(path.read_text())
    growth = GROWTH_OF_WHAT_MOVES if verified.kernel == MOVES else GROWTH
    grown = [f"{' '.join(key)}: {now}, was {before}" for key, counted in verified.counts.items()
             for now, before in zip(counted, known.get(key, counted)) if now > before * growth + FEW]
    assert not grown, "\n".join(grown)
    new = {key[:2] for key in verified.counts} - {key[:2] for key in known}
    assert not new, f"{path.name} does not have {new}: make verifier-counts"
