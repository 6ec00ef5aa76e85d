# SPDX-License-Identifier: GPL-2.0-only
"""`xenpin export --textfile` in a directory of somebody else's, and on disks that are full."""
import os
import resource
import shutil
import signal
import subprocess

import pytest

from recordings import run
from test_export import XENPIN, running, until, value


def export(recording, directory, **more):
    """One that ends by itself, if at all."""
    return subprocess.run([XENPIN, "export", "--recording", recording, "--textfile", directory],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, **more)


# What whoever owns the directory can put where xenpin's file goes, or where it used to be written first.
def link(at, precious):
    at.symlink_to(precious)


def hard_link(at, precious):
    at.hardlink_to(precious)


def dangling_link(at, precious):
    at.symlink_to(precious.parent / "new")


def pipe(at, precious):
    os.mkfifo(at)


def file(at, precious):
    at.write_text("old")


@pytest.mark.parametrize("name", ["xenpin.prom", "xenpin.prom.new"])
@pytest.mark.parametrize("put", [link, hard_link, dangling_link, pipe, file])
def test_nothing_that_is_there_is_followed(recordings, tmp_path, put, name):
    directory, precious = tmp_path / "d", tmp_path / "precious"
    directory.mkdir()
    precious.write_text("precious")
    put(directory / name, precious)
    before = os.lstat(directory / name)
    with running(XENPIN, "export", "--recording", recordings["clean"], "--textfile", directory,
                 "--ready-file", tmp_path / "ready") as process:
        until((tmp_path / "ready").exists, 10)
        prom = directory / "xenpin.prom"
        assert prom.is_file() and not prom.is_symlink() and prom.stat().st_nlink == 1
        assert value(prom.read_text(), "xenpin_up") == 1
    assert process.returncode == 0 and process.said == ""
    assert precious.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d", "precious", "ready"]
    assert {p.name for p in directory.iterdir()} == {"xenpin.prom", name}
    if name != "xenpin.prom":
        assert os.lstat(directory / name)[:7] == before[:7]


def test_a_name_that_cannot_be_replaced(recordings, tmp_path):
    (tmp_path / "xenpin.prom").mkdir()
    result = export(recordings["clean"], tmp_path)
    assert result.returncode == 5 and "Is a directory" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["xenpin.prom"]


@pytest.mark.parametrize("kind", ["none", "file", "long", "dangling"])
def test_what_is_no_directory(recordings, tmp_path, kind):
    path = {"long": tmp_path / ("x" * 300)}.get(kind, tmp_path / kind)
    if kind == "file":
        path.touch()
    if kind == "dangling":
        path.symlink_to(tmp_path / "none")
    result = export(recordings["clean"], path)
    assert result.returncode == 2 and result.stderr.startswith(f"xenpin: --textfile: '{path}' is no directory")
    assert result.stderr.count("\n") == 1


def test_on_a_full_disk_the_old_file_stays(recordings, tmp_path):
    """And is as old as it was: node_exporter tells when each was written."""
    result = run("unshare", "-rm", "sh", "-c", f"""
        mount -t tmpfs -o size=64k none /mnt && cd /mnt && echo old >xenpin.prom && touch -d @1000 xenpin.prom
        head -c 1M /dev/zero >fill 2>/dev/null
        {XENPIN} export --recording {recordings["clean"]} --textfile /mnt; rc=$?
        cp -p xenpin.prom {tmp_path}; ls -A >{tmp_path}/names; exit $rc""")
    assert result.returncode == 5
    assert result.stderr == ("xenpin: --textfile: cannot write xenpin.prom in '/mnt': No space left on device; "
                             "one that is there stays as it was, and grows old\n")
    assert (tmp_path / "names").read_text().split() == ["fill", "xenpin.prom"]
    assert (tmp_path / "xenpin.prom").read_text() == "old\n"
    assert (tmp_path / "xenpin.prom").stat().st_mtime == 1000


@pytest.mark.parametrize("limit", [0, 1, 1000])
def test_under_a_limit_of_file_sizes(recordings, tmp_path, limit):
    result = export(recordings["clean"], tmp_path,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert result.returncode == 5 and "File too large" in result.stderr
    assert not list(tmp_path.iterdir())


def test_killed_again_and_again_it_leaves_no_half_file(recordings, tmp_path):
    recording = tmp_path / "a.db"
    shutil.copy(recordings["clean"], recording)
    directory = tmp_path / "d"
    directory.mkdir()
    for i in range(20):
        process = subprocess.Popen([XENPIN, "export", "--recording", recording, "--textfile", directory])
        try:
            process.wait(timeout=0.002 * i)
        except subprocess.TimeoutExpired:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        for prom in directory.glob("*.prom"):
            assert prom.read_text().rstrip().count("\n") > 50 and "xenpin_dropped_records_total" in prom.read_text()
