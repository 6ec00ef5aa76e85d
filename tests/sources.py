# SPDX-License-Identifier: GPL-2.0-only
"""The files of this checkout."""
import subprocess
from fnmatch import fnmatch

import lab


def names(*patterns):
    """Those that git knows; in a copy without git, as a package's source is, all there are."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=lab.ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        found = listed.stdout.split("\0")[:-1]
    else:
        found = [str(path.relative_to(lab.ROOT)) for path in lab.ROOT.rglob("*")
                 if path.is_file() and path.relative_to(lab.ROOT).parts[0] != "build" and path.suffix != ".pyc"]
    return [name for name in found if (lab.ROOT / name).is_file()
            and (not patterns or any(fnmatch(name, pattern) for pattern in patterns))]
