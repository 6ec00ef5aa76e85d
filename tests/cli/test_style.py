# SPDX-License-Identifier: GPL-2.0-only
"""
C is as clang-format lays it out, and ruff finds nothing in the Python.

Releases of clang-format differ in their taste, so one is asked, which all Debians have. To lay out
all of the C: git ls-files '*.[ch]' | xargs clang-format-19 -i
"""
import json
import os
import re
import subprocess
import tomllib

import pytest

import lab
import sources

# The files that have been laid out so far; "*.[ch]" are all.
FORMATTED = ["bpf/layouts.h"]


def misplaced(names):
    """FILE:LINE of each place that clang-format would lay out otherwise."""
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", f"--style=file:{lab.ROOT}/.clang-format", *names],
                          cwd=lab.ROOT, capture_output=True, text=True)
    places = re.findall(r"^(.*?:\d+):\d+: error: code should be clang-formatted", done.stderr, re.M)
    assert done.returncode == bool(places), done.stderr
    return list(dict.fromkeys(places))


def ruff(names):
    """FILE:LINE: CODE SENTENCE for each finding."""
    settings = tomllib.loads((lab.ROOT / "ruff.toml").read_text())
    # Compiled well, which takes seconds, it would be done no sooner.
    done = subprocess.run(["node", "--liftoff-only", lab.ROOT / "tools/ruff/check.js", json.dumps(settings), *names],
                          cwd=lab.ROOT, capture_output=True, text=True,
                          env={**os.environ, "NODE_PATH": str(lab.ROOT / "build/ruff/node_modules")})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def is_python(name):
    with open(lab.ROOT / name, "rb") as file:
        return name.endswith(".py") or re.match(rb"#!.*python", file.readline())


def test_c_is_laid_out():
    assert misplaced(sources.names(*FORMATTED)) == []


@pytest.mark.parametrize("text", ["int  f(void);\n", "int f(void)\n{\n    return 0;\n}\n",
                                  "int f(void) {\n\treturn 0;\n}\n", f"int {'f' * 60}(int {'a' * 60}, int b);\n"])
def test_what_is_laid_out_otherwise_is_named(tmp_path, text):
    (tmp_path / "a.c").write_text(text)
    assert misplaced([tmp_path / "a.c"])[0].startswith(f"{tmp_path}/a.c:")


def test_ruff_finds_nothing():
    assert ruff([name for name in sources.names() if is_python(name)]) == []


def test_what_ruff_finds_is_named(tmp_path):
    texts = {"F401": "import os\n", "F821": "print(name)\n", "B006": "def f(a=[]):\n    return a\n",
             "E501": f"a = '{'a' * 120}'\n", "invalid-syntax": "def f(:\n"}
    for code, text in texts.items():
        (tmp_path / f"{code}.py").write_text(text)
    found = ruff([tmp_path / f"{code}.py" for code in texts])
    for code in texts:
        assert any(line.startswith(f"{tmp_path}/{code}.py:1: {code} ") for line in found)
