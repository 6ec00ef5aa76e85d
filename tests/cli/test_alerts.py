# SPDX-License-Identifier: GPL-2.0-only
"""Each class and grade of finding for which a command exits with 1 fires an alert, and one alone."""
import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

import lab
from recordings import report
from test_export import CONTRIB, exporter, get, prometheus, until, value

FINDING = re.compile(r'^xenpin_findings\{class="([^"]+)",grade="([^"]+)"\} (\d+)$', re.M)


@pytest.fixture(scope="module")
def pairs(recordings, tmp_path_factory):
    """What the exporter can ever say: all of xenpin's classes and grades."""
    with exporter(recordings["clean"], tmp_path_factory.mktemp("pairs")) as port:
        found = FINDING.findall(get(port)[2])
    assert len(found) >= 24 and {n for *_, n in found} == {"0"}
    return [(c, g) for c, g, _ in found]


def note(path, pairs):
    """As a recorder with --max-size does, which judges at once."""
    with sqlite3.connect(path) as db:
        (t,) = db.execute("SELECT value FROM recording WHERE key = 'begin_ns'").fetchone()
        db.execute("INSERT OR REPLACE INTO recording VALUES ('judged_live', 1), ('findings', ?)", (len(pairs),))
        for i, (of, grade) in enumerate(pairs):
            db.execute("INSERT INTO finding VALUES (?, ?, ?, 'flag,tree', ?, NULL, 1, 1, 1, 'a', '', '', NULL, 0, "
                       "NULL, NULL, NULL, NULL, NULL)",
                       (t + i, of, grade, 0x100000 + i))
    db.close()


def test_the_schema_has_every_class_and_grade(pairs):
    classes, grades = [set(x) for x in zip(*pairs)]
    of = json.loads((lab.ROOT / "docs/records.schema.json").read_text())["definitions"]
    assert set(of["class"]["enum"]) == classes and set(of["grade"]["enum"]) == grades


def test_a_command_exits_with_1_for_each(recordings, pairs, tmp_path):
    for of, grade in pairs:
        path = tmp_path / f"{of}-{grade}.db"
        shutil.copy(recordings["clean"], path)
        note(path, [(of, grade)])
        result = report(path, "--format", "json")
        assert result.returncode == 1
        assert [(f["class"], f["grade"]) for f in json.loads(result.stdout)["findings"]] == [(of, grade)]


def test_each_fires_one_alert_in_promtool(pairs, tmp_path):
    """With its delay: what is shown at once, what is suspected after ten minutes, nothing of none."""
    series = [{"series": f'xenpin_findings{{instance="{of}/{grade}/{n}", class="{of}", grade="{grade}"}}',
               "values": f"{n}x60"} for of, grade in pairs for n in (0, 2)]

    def firing(at, of):
        return {"expr": 'count by (class, grade) (ALERTS{alertstate="firing", '
                        'alertname=~"XenpinFlagLost|XenpinRefused|XenpinFlagSuspected"})', "eval_time": at,
                "exp_samples": [{"labels": f'{{class="{c}", grade="{g}"}}', "value": 1} for c, g in of]}
    strong = [p for p in pairs if p[1] in ("shown", "proven")]
    (tmp_path / "test.yml").write_text(json.dumps({
        "rule_files": [str(CONTRIB / "xenpin.rules.yml")], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series,
                   "promql_expr_test": [firing("1m", strong), firing("12m", pairs)]}]}))
    check = subprocess.run(["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


def test_each_fires_and_resolves_in_prometheus(recordings, pairs, tmp_path, monkeypatch):
    """All at once, of a recording, with the contributed rules; only the ten minutes are none here."""
    rules = tmp_path / "contrib"
    shutil.copytree(CONTRIB, rules)
    text = (rules / "xenpin.rules.yml").read_text()
    assert text.count("for: 10m")
    (rules / "xenpin.rules.yml").write_text(text.replace("for: 10m", "for: 0s"))
    monkeypatch.setattr("test_export.CONTRIB", rules)
    recording = tmp_path / "a.db"
    shutil.copy(recordings["clean"], recording)

    def firing(p):
        return {(m["class"], m["grade"]) for m, _ in p.query('ALERTS{alertstate="firing", class!=""}')}
    with exporter(recording, tmp_path) as target, prometheus(tmp_path, target) as p:
        until(lambda: p.query("xenpin_up") and value(get(target)[2], "xenpin_up") == 1)
        assert firing(p) == set()
        shutil.copy(recording, tmp_path / "new.db")
        note(tmp_path / "new.db", pairs)
        os.replace(tmp_path / "new.db", recording)
        until(lambda: firing(p) == set(pairs))
        shutil.copy(recordings["clean"], tmp_path / "new.db")
        os.replace(tmp_path / "new.db", recording)
        until(lambda: firing(p) == set())
