# SPDX-License-Identifier: GPL-2.0-only
"""What cannot be made from include/kinds.def and probes.def says the same as they."""
import json
import re

import lab

KIND = re.compile(r'^KIND\((\w+), "([^"]+)", (\w+), "([^"]+)", (\w+), ([^,]+),', re.M)
PROBE = re.compile(r'^PROBE\((\w+), "([^"]+)", "([^"]+)"\)', re.M)
SHAPE = re.compile(r'^SHAPE\((\w+), "([^"]+)"\)', re.M)
KINDS = KIND.findall((lab.ROOT / "include/kinds.def").read_text())
PROBES = [word for _, word, _ in PROBE.findall((lab.ROOT / "include/probes.def").read_text())]
SHAPES = dict(SHAPE.findall((lab.ROOT / "include/kinds.def").read_text()))
LIVE = [word for word in PROBES if word not in ("unbatched", "boot")]
SCHEMA = json.loads((lab.ROOT / "docs/records.schema.json").read_text())["definitions"]


def words(schema):
    return {schema["const"]} if "const" in schema else set(schema["enum"])


def test_the_tables_are_read():
    assert len(KINDS) > 15 and len(PROBES) == 10 and len(SHAPES) == 7
    assert {shape for _, _, shape, *_ in KINDS} == set(SHAPES)


def test_the_schema_of_records_has_every_kind_once():
    listed = [word for alternative in SCHEMA["record"]["oneOf"] for word in words(alternative["properties"]["kind"])]
    assert sorted(listed) == sorted(word for _, word, *_ in KINDS)


def test_the_schema_of_a_trace_has_what_a_trace_delivers():
    for shape, name in (("table", "table"), ("mm", "mm"), ("flag", "flag")):
        delivered = {what for _, _, s, what, _, wanted in KINDS if s == shape and wanted.strip() != "0"}
        assert words(SCHEMA[name]["properties"]["what"]) == delivered


def test_the_schema_has_every_hypercall_and_command():
    table = (lab.ROOT / "src/record/hypercalls.def").read_text()
    hypercalls = re.findall(r"^HYPERCALL\(\d+, (\w+), \d\)$", table, re.M)
    commands = re.findall(r"^(?:MMUEXT\(\d+, (\w+), \d\)|MMU\(\d, (\w+)\))$", table, re.M)
    assert len(hypercalls) > 30 and len(commands) > 20
    for refused in (SCHEMA["refused"], SCHEMA["record"]["oneOf"][-1]):
        assert refused["properties"]["op"]["enum"] == [*hypercalls, None]
        assert refused["properties"]["command"]["enum"] == [*map("".join, commands), None]


def test_the_schema_has_every_probe():
    assert words(SCHEMA["dropped"]["properties"]["probe"]) == set(LIVE)
    for alternative in SCHEMA["record"]["oneOf"]:
        if "probe" in alternative["properties"]:
            assert words(alternative["properties"]["probe"]) == set(PROBES)
    for name in ("start", "features", "end"):
        probe = SCHEMA[name]["properties"]["probes"]["items"]["properties"]["name"]
        assert words(probe) == set(LIVE), name


def test_the_manual_of_recordings_has_every_table_and_word():
    page = (lab.ROOT / "docs/xenpin-recording.5").read_text()
    said = set(re.findall(r"[\w-]+", page))
    assert set(SHAPES.values()) <= set(re.findall(r"^\.It Sy (\w+)", page, re.M))
    assert {what for _, _, _, what, *_ in KINDS} <= said
