# SPDX-License-Identifier: GPL-2.0-only
"""
One word for one thing: words that the glossary has retired come back nowhere.

A row of the table says what is wrong, what to say instead, and where the same word is right: in
which phrases, and in which files. What is right is taken away first, so that a line may hold both.
"""
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch

import pytest

import lab
import sources


@dataclass
class Retired:
    word: str		# a regular expression, as are the phrases; upper and lower case are one
    instead: str
    phrases: list = field(default_factory=list)
    files: list = field(default_factory=list)

    def is_in(self, line):
        for phrase in self.phrases:
            line = re.sub(phrase, "", line, flags=re.I)
        return re.search(self.word, line, re.I)


# Other people's words: consoles and messages as kernels print them, the kernel's own names.
FOREIGN = ["LICENSE", "*.log", "*.png", "*package-lock.json", "tests/consoles/*", "kernel/*", "tests/cli/test_words.py"]

RETIRED = [
    Retired(r"vmlinux\.h", "layouts.h"),
    Retired(r"(?<![a-z])hook(s|ed|ing)?(?![a-z])", "probe, where a BPF program is attached",
            ["(after-)?bootmem[ _-]hooks?", "the[ _]hook[ _](set|mark|found)s?[ _]", "hand-over(,| and the) hook",
             "hook_ns", "hook[-_](begin|end)", "xp_mode_hook", "git('s)? hooks?", r"config\.hook", r"boot\.hook",
             "(end of|again by) the hook", r"kernel/hooks", r"hooks/", r"^\s+hook       at ", "that the hook itself",
             r'\["hook"\]'],
            # The page and the account of a boot name stages of the boot.
            ["src/boot/*", "src/model/boot.*", "src/report/page/*", "src/report/event.c", "src/output/boot_*",
             "docs/records.schema.json", "tests/*/test_boot.*", "tests/lab/test_kernel.py",
             "tests/cli/test_series.py", "tests/lab/test_hooks.py"]),
    Retired(r"(?<![a-z])direct(?![a-z])", "unbatched, of a hypercall",
            ["direct[ _-]+maps?", "the direct$", r"(struct )?xp_direct direct\b", r"\bdirect[._](l2|root|gib)\b",
             "direct (loads?|reads?)", "reads are direct", "with_direct_calls", "struct xp_direct {",
             "region_(old_)?direct", r"xen_irq_(dis|en)able_direct"],
            ["src/console/addresses.*"]),
    Retired(r"(?<![a-z])records? (are|is|was|were|had been|have been) lost(?![a-z])|(?<![a-z])lost records?(?![a-z])"
            r"|xp_lost(?![a-z])|u\.lost(?![a-z])|\"type\": ?\"lost\"|(?<![a-z])\d+ lost(?![a-z])",
            "dropped, of records", [r"\(\d+ lost", r"\d+ lost (it|its|their)\b", r"log head=\d+ lost="]),
]


def misused(name, text, table):
    """FILE:LINE: and what to say instead, for each retired word that a file has."""
    if any(fnmatch(name, pattern) for pattern in FOREIGN):
        return []
    return [f"{name}:{number}: '{found.group()}': say {row.instead}"
            for number, line in enumerate(text.splitlines(), 1) for row in table
            if not any(fnmatch(name, pattern) for pattern in row.files) and (found := row.is_in(line))]


def test_no_retired_word_is_in_the_tree():
    found = []
    for name in sources.names():
        found += misused(name, name + "\n", RETIRED)
        found += misused(name, (lab.ROOT / name).read_text(errors="replace"), RETIRED)
    assert found == []


@pytest.mark.parametrize("name, line, instead", [
    ("bpf/a.h", '#include "vmlinux.h"', "layouts.h"),
    ("src/a.c", "/* Nothing is recorded before all hooks are attached. */", "probe"),
    ("src/a.c", "XP_HOOK_FLUSH", "probe"), ("src/a.c", "hook__attach(h);", "probe"),
    ("README.md", "the after-bootmem hook, and a hook that is missing", "probe"),
    ("src/a.c", 'printf("direct")', "unbatched"), ("src/a.c", "XP_DIRECT", "unbatched"),
    ("README.md", "read-only in the direct map, and a direct hypercall", "unbatched"),
    ("README.md", "100 records, 3 lost", "dropped"), ("src/a.c", "rec->kind == XP_LOST", "dropped"),
    ("docs/a.md", "Records were lost.", "dropped"), ("docs/a.md", "of lost records", "dropped"),
])
def test_planted_words_are_found(name, line, instead):
    found, = misused(name, "one line\n" + line + "\n", RETIRED)
    assert found.startswith(f"{name}:2: ") and instead in found


@pytest.mark.parametrize("name, line", [
    ("README.md", "The after-bootmem hook marks it again."), ("src/a.c", "XP_HOOK_BEGIN"),
    ("CONTRIBUTING.md", "no git hook"), ("tests/consoles/a.log", "hooks are lost, direct"),
    ("README.md", "read-only in the direct map, directly in a directory"), ("src/a.c", "direct_map__is_readonly()"),
    ("README.md", "since a flag is lost, and a lost flag is a finding"), ("src/a.c", "FINDING_LOST"),
])
def test_what_is_right_is_not_found(name, line):
    assert misused(name, line + "\n", RETIRED) == []
