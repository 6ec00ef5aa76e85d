# SPDX-License-Identifier: GPL-2.0-only
"""The series on each kernel: what kernel/check finds without building it."""
import subprocess
import warnings

import pytest

import lab

MOVED_ON = 3


@pytest.mark.patched
@pytest.mark.parametrize("kernel", lab.SERIES)
def test_the_series_fits(kernel):
    """A sid whose kernel is a newer one than its hooks were written for is told, and fails nothing."""
    version = kernel.removeprefix("patched-")
    done = subprocess.run([lab.ROOT / "kernel/check", version], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode == MOVED_ON:
        assert version == "sid" and "was written for" in done.stderr
        warnings.warn(done.stderr, stacklevel=1)
        return
    assert done.returncode == 0, done.stderr
    assert "without fuzz" in done.stdout and "not a byte more in generic code" in done.stdout
