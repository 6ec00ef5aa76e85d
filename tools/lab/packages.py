# SPDX-License-Identifier: GPL-2.0-only
"""Packages of any Debian suite, through apt, beside the machine's own apt.

The machine's configuration says which mirror to use; the suite is ours to choose. Each suite
has a private state directory, so nothing is added to the machine's sources and no root is
needed. apt verifies the signatures with Debian's archive keyring and the files with the signed
index: that is why it does the downloads, and not a few lines of HTTP.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

from . import LabError, cache

KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MOVING = ("sid", "unstable")


def say(text):
    """One line of progress."""
    print(f"xenlab: {text}", file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Package:
    """One version of a package, as its suite's signed index describes it."""

    name: str
    version: str
    sha256: str
    depends: tuple  # names only, the first of each group of alternatives

    @property
    def label(self):
        """The name under which this very file is cached."""
        version = self.version.replace(":", "%3a")
        return f"{self.name}_{version}_{self.sha256[:12]}"


def run(command, **options):
    """Run COMMAND and return its stdout; its first error line becomes our message."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed: run tools/packages lab") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        lines = errors or done.stderr.splitlines() or ["no message"]
        raise LabError(f"{command[0]} failed: {lines[0].strip()}")
    return done.stdout


class Suite:
    """A Debian suite with its own apt state."""

    def __init__(self, name):
        self.name = name
        self.dir = cache.root() / "apt" / name
        self.fresh = False

    def options(self):
        """Options that turn any apt program to this suite and to nothing else."""
        values = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": self.dir / "sources.d",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": self.dir,
            "Dir::State::lists": self.dir / "lists",
            "Dir::State::status": self.dir / "status",
            "Dir::Cache": self.dir,
            "Dir::Cache::archives": self.dir / "archives",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Acquire::Languages": "none",
            # ~/.cache is closed to the user _apt; without root apt does not switch users.
            "APT::Sandbox::User": "root",
        }
        return [f"-o{name}={value}" for name, value in values.items()]

    def sources(self, beside=False):
        """
        The deb822 text for this suite on the machine's own mirrors. BESIDE: with its security updates
        even if the machine, of a Debian that has none, knows no mirror of them: beside the archive,
        where Debian's own mirrors have them.
        """
        if not shutil.which("apt-get") or not os.path.exists("/usr/bin/dpkg-deb"):
            raise LabError("the lab fetches Xen and its kernels through apt, "
                           "and this is not a Debian machine")
        # Whatever suite of Debian's it is, and however the machine names it: a mirror has them all.
        text = run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)",
                    "Created-By: Packages", "Origin: Debian", "Component: main"])
        rows = [line.split("|") for line in text.splitlines() if line.count("|") == 1]
        main = [uri for uri, label in rows if label == "Debian"]
        security = [uri for uri, label in rows if label == "Debian-Security"]
        if not main:
            raise LabError("apt knows no source of Debian's main component, so the lab knows no "
                           "mirror to fetch Xen and its kernels from; is there one, and has "
                           "apt-get update been run?")
        if not KEYRING.exists():
            raise LabError(f"{KEYRING} is missing: install debian-archive-keyring")
        stanzas = [(main[0], self.name)]
        if beside and not security:
            security = [main[0].rstrip("/") + "-security"]
        if security and self.name not in MOVING:
            stanzas.append((security[0], f"{self.name}-security"))
        return "\n".join(f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n"
                         f"Architectures: amd64\nSigned-By: {KEYRING}\n"
                         for uri, suite in stanzas)

    def update(self):
        """Bring the package lists up to date."""
        say(f"reading {self.name}'s package lists")
        for name in ("sources.d", "lists/partial", "archives/partial"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        cache.write(self.dir / "status", b"")
        known, guessed = self.sources(), self.sources(beside=True)
        try:
            self.read_lists(guessed)
        except LabError:
            if guessed == known:
                raise
            self.read_lists(known)
        cache.write(self.dir / "stamp", b"")
        self.fresh = True

    def read_lists(self, sources):
        """Let apt read the package lists of these SOURCES, all of them."""
        cache.write(self.dir / "sources.d" / "lab.sources", sources.encode())
        run(["apt-get", *self.options(), "-o", "APT::Update::Error-Mode=any", "-q", "update"])

    def find(self, name):
        """The newest version of NAME in the suite. Reads the lists again when that may help."""
        with cache.lock(f"apt-{self.name}"):
            seen = cache.age(self.dir / "stamp")
            if seen is None or seen > cache.DAY:
                self.update()
            package = self.lookup(name)
            if package is None and not self.fresh:
                self.update()
                package = self.lookup(name)
        if package is None:
            raise LabError(f"{self.name} has no package {name}")
        return package

    def lookup(self, name):
        """NAME's entry in the lists as they are, or None."""
        try:
            text = run(["apt-cache", *self.options(), "show", "--no-all-versions", name])
        except LabError:
            return None
        fields = dict(re.findall(r"^([\w-]+): (.*)$", text.split("\n\n")[0], re.M))
        if fields.get("Package") != name:
            return None
        depends = ",".join(fields.get(f, "") for f in ("Depends", "Pre-Depends")).split(",")
        names = [re.split(r"[\s(:|]", item.strip())[0] for item in depends]
        return Package(name, fields["Version"], fields["SHA256"], tuple(n for n in names if n))

    def download(self, package, into):
        """Fetch PACKAGE into the directory INTO; apt checks it against the signed index."""
        if not package.name.startswith(("lib", "zlib")):
            say(f"fetching {package.name} {package.version} from {self.name}")
        with cache.lock(f"apt-{self.name}"):
            run(["apt-get", *self.options(), "-q", "download",
                 f"{package.name}={package.version}"], cwd=into)
        found = list(into.glob("*.deb"))
        if len(found) != 1:
            raise LabError(f"apt-get download left {len(found)} files for {package.name}")
        return found[0]

    def unpack(self, package, into):
        """Fetch PACKAGE and lay its files out in the directory INTO."""
        with cache.workdir() as temp:
            deb = self.download(package, temp)
            into.mkdir(parents=True, exist_ok=True)
            run(["dpkg-deb", "-x", str(deb), str(into)])

    def tree(self, package):
        """The unpacked files of PACKAGE, from the cache when they are there."""
        final = cache.root() / "deb" / package.label
        with cache.lock(package.label):
            if not final.exists():
                with cache.workdir() as temp:
                    self.unpack(package, temp / "tree")
                    cache.publish(temp / "tree", final)
        return final


def newest(what, home, pointer, usable, fetch):
    """The directory below HOME that the file POINTER names, renewed by FETCH once a day.

    A mirror drops old versions and is not always there: what was fetched once keeps working
    without it. USABLE says whether a directory of that name is still made as we make it today.
    """
    current = home / pointer
    with cache.lock(f"newest-{pointer}-{what}"):
        seen = cache.age(current)
        tree = home / current.read_text(encoding="ascii").strip() if seen is not None else None
        kept = tree is not None and tree.exists() and usable(tree.name)
        if not kept or seen > cache.DAY:
            try:
                tree = fetch()
                cache.write(current, tree.name.encode())
            except LabError as err:
                if not kept:
                    raise LabError(f"{what} cannot be fetched: {err}") from None
                say(f"keeping {what} as cached: {err}")
    return tree
