# SPDX-License-Identifier: GPL-2.0-only
"""The command line, where no Xen is needed: this machine is none (or the test says so)."""
import json
import re
import subprocess
from pathlib import Path

import pytest

import lab

XENPIN = lab.ROOT / "build/xenpin"


def xenpin(*args, **kwargs):
    return subprocess.run([XENPIN, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=30, **kwargs)


def one_sentence(result):
    assert result.stdout == ""
    assert result.stderr.startswith("xenpin: ") and result.stderr.count("\n") == 1
    return result.stderr


USAGE = [
    (["nosuch"], "unknown command 'nosuch'"),
    (["trace", "--nosuch"], "unknown option '--nosuch'"),
    (["trace", "-x"], "unknown option '-x'"),
    (["trace", "--duration"], "--duration needs a value"),
    (["trace", "--duration", "0"], "--duration: '0' is not a number of seconds from 1e-9 to 1e9"),
    (["trace", "--duration", "1e-10"], "--duration: '1e-10' is not"),
    (["trace", "--duration", "1e10"], "--duration: '1e10' is not"),
    (["trace", "--duration", "-1"], "--duration: '-1' is not"),
    (["trace", "--duration", "1x"], "--duration: '1x' is not"),
    (["trace", "--duration", "nan"], "--duration: 'nan' is not"),
    (["trace", "--count", "0"], "--count: '0' is not a number above zero"),
    (["trace", "--count", "99999999999999999999999"], "--count: '9"),
    (["trace", "--pid", "0"], "--pid: '0' is not a number from 1 to 4194304"),
    (["trace", "--pid", "4194305"], "--pid: '4194305' is not"),
    (["trace", "--pid", "-1"], "--pid: '-1' is not"),
    (["trace", "--comm", "sixteencharacter"], "--comm: 'sixteencharacter' is not at most 15"),
    (["trace", "--comm", ""], "--comm: '' is not"),
    (["trace", "--mm", "0"], "--mm: '0' is not a kernel address in hex"),
    (["trace", "--mm", "zz"], "--mm: 'zz' is not"),
    (["trace", "--level", "L5"], "--level: 'L5' is not a list of L1,L2,L3,L4"),
    (["trace", "--level", ""], "--level: '' is not"),
    (["trace", "--op", "pin,poke"], "--op: 'pin,poke' is not a list of pin,unpin,alloc"),
    (["trace", "--pfn", "9-7"], "--pfn: '9-7' is not a frame or FROM-TO"),
    (["trace", "--pfn", "0x10-"], "--pfn: '0x10-' is not"),
    (["trace", "--pfn", "5-0xffffffffffffffff"], "--pfn: '5-0xffffffffffffffff' is not"),
    (["trace", "--pfn", "0x10000000000000"], "up to 0xfffffffffffff"),
    (["trace", "--ring-pages", "3"], "--ring-pages: '3' is not a power of two"),
    (["trace", "--ring-pages", "1024"], "--ring-pages: '1024' is not a number from 1 to 512"),
    (["trace", "--via", "magic"], "--via: 'magic' is not one of tp, tp_btf"),
    (["trace", "stray"], "trace: unexpected argument 'stray'; a command to run stands behind"),
    (["features", "stray"], "features: unexpected argument 'stray'\n"),
    (["features", "--", "true"], "features: unexpected argument 'true'\n"),
    (["report"], "report: needs a FILE"),
    (["report", "a", "b"], "report: unexpected argument 'b'; it takes one FILE\n"),
    (["report", "--", "--", "true"], "report: unexpected argument 'true'; it takes one FILE\n"),
    (["page", "1", "--json", "2"], "page: unexpected argument '2'; it takes one PFN\n"),
    (["features", "--pid", "1"], "unknown option '--pid'"),
]


@pytest.mark.parametrize("args, sentence", USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_usage(args, sentence):
    result = xenpin(*args)
    assert result.returncode == 2
    assert sentence in one_sentence(result)


def test_no_command():
    result = xenpin()
    assert result.returncode == 2 and "Usage: xenpin COMMAND" in result.stderr


@pytest.mark.parametrize("args", [["--help"], ["trace", "--help"], ["features", "-h"]])
def test_help(args):
    result = xenpin(*args)
    assert result.returncode == 0 and "Usage: xenpin" in result.stdout and not result.stderr


def test_help_names_every_option_of_the_contract():
    text = xenpin("trace", "--help").stdout
    for option in ("--json --pid --comm --mm --level --pfn --op --stack --ready-file --dry-run "
                   "--duration --count --verbose").split():
        assert option + " " in text or option + "\n" in text, option


@pytest.fixture
def bare():
    if Path("/sys/hypervisor/type").exists():
        pytest.fail("these tests are about a machine that is no Xen guest; run them on one")


def test_trace_on_bare_metal(bare):
    result = xenpin("trace")
    assert result.returncode == 3
    assert "this is not a Xen guest" in one_sentence(result)


def test_features_on_bare_metal(bare):
    result = xenpin("features")
    assert result.returncode == 3 and "No tracing: this is not a Xen guest" in result.stdout
    result = xenpin("features", "--json")
    (features,) = lab.parse(result.stdout)
    assert result.returncode == 3 and features["guest"] == "not a Xen guest"


def test_features_to_a_full_disk():
    with open("/dev/full", "w") as full:
        result = subprocess.run([XENPIN, "features"], stdout=full, stderr=subprocess.PIPE,
                                text=True, timeout=30)
    assert result.returncode == 5 and "No space left on device" in result.stderr


def test_stdout_closed():
    result = subprocess.run(["sh", "-c", f"{XENPIN} features >&-"], stderr=subprocess.PIPE,
                            text=True, timeout=30)
    assert result.returncode == 2 and "stdout is closed" in result.stderr


def test_the_binary_travels():
    """Static: one file is all that a dom0 or domU needs."""
    headers = subprocess.run(["readelf", "-ldW", XENPIN], capture_output=True, text=True).stdout
    assert "LOAD" in headers and "INTERP" not in headers and "NEEDED" not in headers


def test_the_binary_is_hardened():
    """Loaded anywhere, and with nothing to write to where addresses stand: PIE, full RELRO."""
    headers = subprocess.run(["readelf", "-hldW", XENPIN], capture_output=True, text=True).stdout
    assert re.search(r"Type: +DYN", headers) and "GNU_RELRO" in headers and "BIND_NOW" in headers
    assert re.search(r"FLAGS_1.*PIE", headers)
    assert re.search(r"GNU_STACK.* RW ", headers)


def test_schema_refuses_what_it_should():
    lab.parse('{"schema":3,"type":"dropped","t":1,"cpu":0,"probe":"alloc","count":3}')
    for wrong in ({"count": 0}, {"probe": "nosuch"}, {"extra": 1}, {"t": "1"}):
        line = {"schema": 3, "type": "dropped", "t": 1, "cpu": 0, "probe": "alloc", "count": 3, **wrong}
        with pytest.raises(AssertionError):
            lab.parse(json.dumps(line))
