# SPDX-License-Identifier: GPL-2.0-only
"""Who was at work on the mm of a page between the last sign of its flag and the finding."""
import json
import re
import sqlite3

import pytest

from recordings import LOST, lose_a_flag, make, report

MEDDLERS = [3, 1, 1, 2]		# how many of the mm's records are whose
WORK = "(SELECT seq, t, task, mm FROM page_table UNION ALL SELECT seq, t, task, mm FROM mm)"


def said(path):
    (finding,) = json.loads(report(path, "--format", "json").stdout)["findings"]
    return finding


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """A recording with one finding, whose last sign was the pin of its table."""
    path = tmp_path_factory.mktemp("meanwhile") / "a.db"
    make(path, 2000)
    lose_a_flag(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE batch SET t = t - 1000 WHERE seq = (SELECT min(seq) FROM op WHERE op = 'pin' AND pfn = ?)",
                   (LOST,))
    return path


def by_sql(path, finding):
    mm = int(finding["mm"], 16) - (1 << 64)
    with sqlite3.connect(path) as db:
        return db.execute(f"SELECT pid, comm, count(*) FROM {WORK} JOIN task USING (task) "
                          "WHERE mm = ? AND t > ? AND t < ? GROUP BY pid, comm ORDER BY count(*) DESC, pid",
                          (mm, finding["last_sign"], finding["t"])).fetchall()


def meddle(path, counts):
    """Give as many of the records in question to each of some tasks."""
    finding = said(path)
    mm = int(finding["mm"], 16) - (1 << 64)
    with sqlite3.connect(path) as db:
        rows = [seq for seq, in db.execute(f"SELECT seq FROM {WORK} WHERE mm = ? AND t > ? AND t < ? ORDER BY seq",
                                           (mm, finding["last_sign"], finding["t"]))]
        assert len(rows) >= sum(counts)
        for i, count in enumerate(counts):
            db.execute("INSERT INTO task VALUES (?, ?, ?)", (70000 + i, 4000 + i, f"meddler-{i}"))
            for seq in rows[:count]:
                for table in ("page_table", "mm"):
                    db.execute(f"UPDATE {table} SET task = ? WHERE seq = ?", (70000 + i, seq))
            del rows[:count]


@pytest.mark.parametrize("counts", [[], MEDDLERS, [1] * 7])
def test_they_are_those_of_the_records(lost, tmp_path, counts):
    path = tmp_path / "b.db"
    path.write_bytes(lost.read_bytes())
    meddle(path, counts)
    finding = said(path)
    expected = by_sql(path, finding)
    assert [(m["pid"], m["comm"], m["records"]) for m in finding["meanwhile"]] == expected[:8] and expected
    (line,) = re.findall(r"meanwhile on its mm: (.*)", report(path).stdout)
    assert re.findall(r"(\S+) \(pid (\d+), (\d+) records?\)", line) == [(c, str(p), str(n)) for p, c, n in expected[:8]]


def test_of_a_finding_without_a_last_sign_nobody_is_named(lost, tmp_path):
    path = tmp_path / "b.db"
    path.write_bytes(lost.read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("UPDATE op SET result = -22, pfn = 5 WHERE rowid = (SELECT min(rowid) FROM op "
                   "WHERE op = 'pin' AND pfn = ?)", (LOST,))
    findings = json.loads(report(path, "--format", "json").stdout)["findings"]
    unsigned = [f for f in findings if f["last_sign"] is None]
    assert unsigned and not any(f["meanwhile"] for f in unsigned)
