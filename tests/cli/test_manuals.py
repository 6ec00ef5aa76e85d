# SPDX-License-Identifier: GPL-2.0-only
"""Man pages and completion say what the program takes; nothing of it by hand."""
import re
import subprocess

import pytest

import lab

XENPIN = lab.ROOT / "build/xenpin"


def helped(command):
    """Long options in the command's --help, which is printed from the table."""
    text = subprocess.run([XENPIN, command, "--help"], capture_output=True, text=True).stdout
    return re.findall(r"^  (?:-\S, |    )(--[\w-]+)", text, re.M)


def commands():
    text = subprocess.run([XENPIN, "--help"], capture_output=True, text=True).stdout
    return re.findall(r"^  (\w+) +\S", text, re.M)


@pytest.fixture(scope="module")
def manuals(tmp_path_factory):
    directory = tmp_path_factory.mktemp("manuals")
    result = subprocess.run([lab.ROOT / "tools/manuals", XENPIN, directory], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return directory


def render(path):
    """As text, by groff, which must have nothing to complain of."""
    page = subprocess.run(["groff", "-mdoc", "-Tutf8", "-P-cbou", "-ww", "-rLL=100n", path],
                          capture_output=True, text=True)
    assert page.returncode == 0 and page.stderr == "", page.stderr
    return page.stdout.replace("−", "-").replace("‐", "-")


def test_every_command_has_its_section_and_all_its_options(manuals):
    render(manuals / "xenpin.1")
    page = (manuals / "xenpin.1").read_text().replace("\\-", "-")
    sections = dict(re.findall(r"^\.Ss (\w+)\n(.*?)(?=^\.S[sh] )", page, re.M | re.S))
    assert list(sections) == commands()
    for command, section in sections.items():
        assert re.findall(r"^\.It .*Fl -([\w-]+)", section, re.M) == [o[2:] for o in helped(command)], command


def test_no_placeholder_is_left(manuals):
    assert "@" not in (manuals / "xenpin.1").read_text()


def test_the_recordings_page_is_sound():
    text = render(lab.ROOT / "docs/xenpin-recording.5")
    assert "Who pinned most?" in text


def complete(manuals, *words):
    script = (f"source {manuals}/xenpin.bash; COMP_WORDS=(xenpin {' '.join(words)} ''); "
              "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _xenpin; printf '%s\\n' \"${COMPREPLY[@]}\"")
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=manuals)
    assert result.returncode == 0 and not result.stderr
    return result.stdout.split()


def test_bash_completes_what_help_lists(manuals):
    assert complete(manuals) == commands() + ["--help", "--version"]
    for command in commands():
        words = [w for w in complete(manuals, command) if w.startswith("--")]
        assert words == helped(command) + ["--help"]
    assert "xenpin.bash" in complete(manuals, "report") and "xenpin.bash" in complete(manuals, "record", "-o")
    assert complete(manuals, "trace", "--pid") == []


def test_zsh_completes_what_help_lists(manuals):
    path = manuals / "_xenpin"
    check = subprocess.run(["zsh", "-n", path], capture_output=True, text=True)
    assert check.returncode == 0 and not check.stderr
    sections = re.split(r"^(\w+)\)$", path.read_text(), flags=re.M)
    assert sections[1::2] == commands()
    for command, text in zip(sections[1::2], sections[2::2]):
        assert re.findall(r"^\t\t'(--[\w-]+)\[", text, re.M) == helped(command) + ["--help"]


def test_each_target_of_make_that_is_named_is_there():
    rules = (lab.ROOT / "Makefile").read_text()
    has_recipe = set(re.findall(r"^([a-z][a-z -]*):(?!=)[^\n]*\n\t", rules, re.M))
    has_recipe = {name for names in has_recipe for name in names.split()} | {"all"}
    phony = re.search(r"^\.PHONY: (.*)$", rules, re.M)[1].split()
    assert [name for name in phony if name not in has_recipe] == []
    texts = [lab.ROOT / "README.md", *(lab.ROOT / "docs").glob("*.md"), *(lab.ROOT / "kernel").glob("*.md"),
             *(lab.ROOT / "tests").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"(?:`|^    |^\$ )make ([a-z][a-z-]*)(?=[` \n])",
                                                            text.read_text(), re.M)}
    assert {"demo", "check", "soak", "verifier-counts"} <= named
    assert named - set(phony) == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/TESTING.md",
                                  "docs/PORTING.md", "docs/FINDINGS.md", "docs/PERFORMANCE.md"])
def test_what_a_page_names_is_there(page):
    """Files and directories in backquotes or links, and functions of ours."""
    text = (lab.ROOT / page).read_text()
    here = (lab.ROOT / page).parent
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (here / target).exists(), target
    for path in re.findall(r"`((?:src|bpf|include|kernel|tools|tests|docs|contrib)/[a-z\d_./-]*)`", text):
        assert (lab.ROOT / path).exists(), path
    sources = "".join(p.read_text() for folder in ("src", "bpf") for p in (lab.ROOT / folder).rglob("*.[ch]"))
    for function in set(re.findall(r"`(\w+__\w+)\(\)`", text)) - {"object__verb"}:
        assert re.search(rf"\b{function}\(", sources), function
