# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package of a kernel with the series, with a small config: installed, booted, removed."""
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

import lab

pytestmark = pytest.mark.packaged
each = pytest.mark.parametrize("kernel", lab.one_worker_each("package", kernels=lab.PACKAGED))


def directory(kernel):
    """What the package holds, and the package itself."""
    done = subprocess.run([lab.ROOT / "kernel/build", kernel.removeprefix("deb-"), "--package"], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip())


def suite(kernel):
    """The Debian release that this kernel is of."""
    return subprocess.run([lab.ROOT / "kernel/source", "--suite", kernel.removeprefix("deb-")], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


@each
def test_it_is_installed_and_removed(kernel, tmp_path):
    """Beside an initramfs and a boot menu, as on a host: nothing is left of it, and nobody starts it by accident."""
    made = directory(kernel)
    release = (made / "release").read_text().strip()
    for package in (made / "packages").glob("linux-*.deb"):
        shutil.copy(package, tmp_path)
    done = subprocess.run([lab.ROOT / "tools/system", "--fresh", "--out", tmp_path, suite(kernel), "--",
                           "sh", "tests/lab/package-install.sh"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, installed, after = ((tmp_path / name).read_text().split("\n") for name in ("before", "installed", "after"))
    new = set(installed) - set(before)
    assert {f"/boot/{name}-{release}" for name in ("vmlinuz", "initrd.img", "config", "System.map")} <= new
    assert any(f"/lib/modules/{release}/" in path for path in new)
    assert after == before
    # It is the one that the lab boots.
    checksum, path = (tmp_path / "vmlinuz").read_text().split()
    assert path == f"/boot/vmlinuz-{release}"
    assert checksum == hashlib.sha256((made / "vmlinuz").read_bytes()).hexdigest()
    menu = (tmp_path / "menu").read_text().split()
    assert len(menu) == 2 and menu[1] == f"vmlinuz-{release}", menu


@each
def test_what_is_delivered(kernel):
    names = sorted(path.name for path in (directory(kernel) / "packages").glob("*.deb"))
    assert [name.split("_")[0] for name in names] == ["linux-headers-6.12.0-0xenpin", "linux-image-6.12.0-0xenpin"]
    image = directory(kernel) / "packages" / names[1]
    fields = subprocess.run(["dpkg-deb", "-f", image, "Maintainer", "Version"], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    assert "+xenpin1" in fields and "xenpin developers" in fields
    listed = subprocess.run(["dpkg-deb", "-c", image], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "changelog" in listed


@each
def test_without_a_parameter_it_does_nothing(kernel):
    guest = lab.run_script("package.sh", kernel, tools=["/usr/sbin/bpftool"])
    assert guest.text("release").strip() == (directory(kernel) / "release").read_text().strip()
    assert "xenpin: " not in guest.text("dmesg")
    assert guest.text("early").strip() == "0"
    (account,) = guest.records("account")
    assert guest.status("account") == 5 and account["exact"] is False and account["records"] == 0
    assert guest.status("trace") == 0


@each
def test_with_parameters_it_tells_of_its_boot(kernel):
    guest = lab.run_script("package.sh", kernel, "--append", "xenpin.early=1", tools=["/usr/sbin/bpftool"])
    (account,) = guest.records("account")
    assert guest.status("account") == 0 and account["exact"] is True
    assert account["incomplete"] == [] and account["hook"]["marked"] > 500
