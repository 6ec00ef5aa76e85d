# SPDX-License-Identifier: GPL-2.0-only
"""Each class and grade is explained, by the program and in docs/FINDINGS.md, in the same words."""
import re

import pytest

import lab
from test_cli import one_sentence, xenpin

TABLE = (lab.ROOT / "include/findings.def").read_text()
CLASSES = dict(re.findall(r'^FINDING\(\w+, "([\w-]+)", "(\w+)",$', TABLE, re.M))
GRADES = re.findall(r'^GRADE\(\w+, "(\w+)",$', TABLE, re.M)


def flat(text):
    return " ".join(text.split())


def sections(text):
    """{heading: paragraph} of what explain prints."""
    return {head: flat(body) for head, body in re.findall(r"^  (What [^\n]*)\n((?:    [^\n]*\n)+)", text, re.M)}


def test_all_are_listed():
    result = xenpin("explain")
    assert result.returncode == 0 and result.stderr == ""
    assert re.findall(r"^  ([a-z-]+)$", result.stdout, re.M) == [*CLASSES, *GRADES]


@pytest.mark.parametrize("word", [*CLASSES, *GRADES])
def test_the_page_says_what_the_program_says(word):
    result = xenpin("explain", word)
    assert result.returncode == 0 and result.stderr == ""
    said = sections(result.stdout)
    assert list(said) == ["What it is", "What follows", "What to do"][:3 if word in CLASSES else 1]
    assert all(len(line) <= 78 for line in result.stdout.splitlines())
    page = (lab.ROOT / "docs/FINDINGS.md").read_text()
    (section,) = re.findall(rf"^### {word}\n(.*?)(?=^#|\Z)", page, re.M | re.S)
    assert flat(section) == " ".join(f"**{head}.** {text}" for head, text in said.items())


def test_the_page_has_no_others():
    page = (lab.ROOT / "docs/FINDINGS.md").read_text()
    assert re.findall(r"^### (.*)$", page, re.M) == [*CLASSES, *GRADES]


def test_what_is_named_is_there():
    """Commands and other classes that the sentences send to."""
    commands = re.findall(r"^  (\w+) +\S", xenpin("--help").stdout, re.M)
    for word in CLASSES:
        text = flat(xenpin("explain", word).stdout)
        for quoted in re.findall(r"`([^`]*)`", text):
            first, *rest = quoted.split()
            assert rest and (first == "xl" or rest[0] in commands) if first in ("xenpin", "xl") else first in CLASSES


def test_alerts_are_those_of_the_table():
    rules = (lab.ROOT / "contrib/xenpin.rules.yml").read_text()
    (refused,) = re.findall(r'alert: XenpinRefused\n.*?class=~"([^"]*)"', rules)
    (others,) = re.findall(r'alert: XenpinFlagLost\n.*?class!~"([^"]*)"', rules)
    assert refused == others
    assert {c for c, alert in CLASSES.items() if alert == "XenpinRefused"} == set(refused.split("|"))
    assert {c for c, alert in CLASSES.items() if alert == "XenpinFlagLost"} == set(CLASSES) - set(refused.split("|"))


def test_other_words():
    for word in ("nosuch", "", "LOST"):
        result = xenpin("explain", word)
        assert result.returncode == 2
        assert "is no class and no grade of a finding; `xenpin explain` lists them" in one_sentence(result)
    assert "it takes one [CLASS]" in one_sentence(xenpin("explain", "lost", "stale"))
