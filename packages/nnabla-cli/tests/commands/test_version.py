"""``nnabla_cli version``, as a program."""

import subprocess
import sys

import nnabla


def test_it_prints_the_version():
    done = subprocess.run([sys.executable, "-m", "nnabla_cli", "version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"Version:{nnabla.__version__}\n"), done.stderr
