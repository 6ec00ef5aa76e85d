# SPDX-License-Identifier: GPL-2.0-only
"""What guests and Xen print when they die, each NAME.log with its verdict in NAME.json.

NAME.json: `status`; `verdict`, what the newest boot's verdict has; and, where there is more to it,
`says`, pieces of its sentence; `bug`, the known one that it looks like; `facts`, values by their
place in the JSON; `notes`.  The shapes are those of public reports; names and numbers are made up.
"""
import json
import subprocess
from pathlib import Path

import pytest

import lab

HERE = Path(__file__).resolve().parent
XENPIN = lab.ROOT / "build/xenpin"
NAMES = sorted(path.stem for path in HERE.glob("*.log"))


def ask(text, *arguments):
    return subprocess.run([XENPIN, "boot", "--console", "-", *arguments], input=text,
                          capture_output=True, timeout=60)


def judge(text):
    """The exit status and the account; None for what is no console."""
    run = ask(text, "--json")
    if run.returncode == 2:
        assert not run.stdout and b"it is no console" in run.stderr
        return 2, None
    assert not run.stderr
    (account,) = lab.parse(run.stdout.decode())
    assert account["status"] == run.returncode
    return run.returncode, account


def at(account, place):
    for step in place.split("."):
        account = account[int(step) if step.isdigit() else step]
    return account


@pytest.mark.parametrize("name", NAMES)
def test_verdict(name):
    expected = json.loads((HERE / f"{name}.json").read_text())
    status, account = judge((HERE / f"{name}.log").read_bytes())
    assert status == expected["status"], account["text"]
    verdict = account["verdict"]
    assert verdict.items() >= expected["verdict"].items()
    looks_like = verdict["looks_like"] or {}
    assert looks_like.get("name") == expected.get("bug")
    for place, value in expected.get("facts", {}).items():
        assert at(account, place) == value, place
    for note in expected.get("notes", []):
        assert any(note in n for n in account["notes"])


@pytest.mark.parametrize("name", NAMES)
def test_text(name):
    """It fits 80 columns, begins with the verdict, and says when something is odd."""
    expected = json.loads((HERE / f"{name}.json").read_text())
    run = ask((HERE / f"{name}.log").read_bytes())
    text = run.stdout.decode()
    assert run.returncode == expected["status"] and not run.stderr
    assert max(map(len, text.splitlines())) < 80
    paragraph = " ".join(text.split("\n\n")[0].split())
    for piece in expected.get("says", []):
        assert piece in paragraph
    for note in expected.get("notes", []):
        assert note in " ".join(text.split())


def test_the_example_of_the_readme():
    text = ask((HERE / "old-4.15-erased.log").read_bytes()).stdout.decode()
    assert "".join(f"    {line}\n" if line else "\n" for line in text.splitlines()) in (
        lab.ROOT / "README.md").read_text()
