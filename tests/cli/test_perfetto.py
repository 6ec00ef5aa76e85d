# SPDX-License-Identifier: GPL-2.0-only
"""`report --format perfetto`, decoded by the protobuf compiler."""
import collections
import re
import sqlite3
import subprocess

import pytest

import lab

XENPIN = lab.ROOT / "build/xenpin"
SOURCE = lab.ROOT / "build/recording"
LOST = 0x8050


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("perfetto") / "a.db"
    assert subprocess.run([SOURCE, path, "2000"]).returncode == 0
    with sqlite3.connect(path) as db:
        db.execute("UPDATE op SET pfn = 1 WHERE rowid = (SELECT min(rowid) FROM op "
                   "WHERE op = 'unpin' AND pfn = ?)", (LOST,))
        db.execute("INSERT INTO dropped VALUES (2001, (SELECT max(t) FROM page_table) + 1, 1, NULL, 0, "
                   "'dropped', 'alloc', 17)")
    result = subprocess.run([XENPIN, "report", path, "--format", "perfetto", "--output",
                             path.with_suffix(".pb")])
    assert result.returncode == 1
    return path.with_suffix(".pb")


def decode(trace, *options):
    with open(trace) as data:
        result = subprocess.run(["protoc", *options], stdin=data, capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def packets(trace):
    text = decode(trace, f"-I{lab.ROOT / 'src/report'}", "--decode", "perfetto.protos.Trace",
                  lab.ROOT / "src/report/perfetto.proto")
    assert not re.search(r"^\s*\d+: ", text, re.M), "a field that the .proto does not know"
    return re.findall(r"^packet \{\n(.*?)^\}", text, re.M | re.S)


def field(packet, name):
    match = re.search(rf"^ +{name}: (.*)$", packet, re.M)
    return match and match.group(1).strip('"')


def test_the_numbers_are_perfettos(trace):
    """As raw numbers, without our .proto: 8 timestamp, 11 track_event, 60 track_descriptor."""
    raw = re.findall(r"^1 \{\n(.*?)^\}", decode(trace, "--decode_raw"), re.M | re.S)
    assert raw[0] == '  10: 1\n  60 {\n    1: 1\n    2: "findings"\n  }\n'
    begin = next(p for p in raw if "\n    9: 1\n" in p)
    assert re.fullmatch(r'  8: \d+\n  10: 1\n  11 \{\n    4 \{\n      3: 14\n      10: "entries"\n    \}\n'
                        r'    9: 1\n    11: \d+\n    22: "batch"\n    23: "forks: 5 pins, 0 unpins"\n  \}\n', begin)


def test_every_flush_is_a_slice_on_two_tracks(packets):
    depth, slices = collections.Counter(), collections.Counter()
    tracks = {field(p, "uuid") for p in packets if "track_descriptor" in p}
    for p in packets:
        if "TYPE_SLICE" in p:
            track = field(p, "track_uuid")
            assert track in tracks
            depth[track] += 1 if "BEGIN" in p else -1
            assert depth[track] in (0, 1)
            slices["BEGIN" in p] += 1
    assert not any(depth.values())
    assert slices[True] == slices[False] == 2 * 222


def test_processes_and_cpus_are_named(packets):
    names = [field(p, "name") for p in packets if "track_descriptor" in p and field(p, "name")]
    assert {"findings", "CPU 0", "CPU 1"} < set(names)
    pids = [int(field(p, "pid")) for p in packets if "process {" in p]
    assert pids == list(range(1000, 1000 + len(pids))) and len(pids) == 111


def test_counters_end_where_they_should(packets):
    last = {}
    for p in packets:
        if "TYPE_COUNTER" in p:
            last[field(p, "track_uuid")] = int(field(p, "counter_value"))
    # 111 forks ended; the 112th has allocated two tables of its seven.
    assert last == {"2": 0, "3": 2}


def test_findings_and_losses_are_instants(packets):
    finding, = [p for p in packets if '"finding"' in p]
    assert hex(LOST) in finding and field(finding, "track_uuid") == "1"
    assert 'name: "released-pinned"' in finding and "TYPE_INSTANT" in finding
    dropped, = [p for p in packets if '"dropped"' in p]
    assert 'name: "17 records of alloc dropped"' in dropped and "TYPE_INSTANT" in dropped
