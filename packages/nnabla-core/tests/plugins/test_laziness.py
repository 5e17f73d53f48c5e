"""What importing does not do, seen in processes of their own."""

import subprocess
import sys


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_reads_no_entry_points_and_needs_no_pluggy():
    assert run(
        """
import importlib.metadata, sys
def refuse(*args, **kw): raise AssertionError("entry points were read")
importlib.metadata.distributions = importlib.metadata.entry_points = refuse
import nnabla, nnabla.plugins, nnabla.parameter_files, nnabla.ext_utils
print("pluggy" in sys.modules)
"""
    ) == ["False"]


def test_listing_names_imports_no_plugin():
    assert run(
        """
import sys
from nnabla.plugins import plugins
from nnabla.plugins.kinds import KINDS
before = set(sys.modules)
for kind in KINDS: plugins.names(kind)
plugins.statuses()
new = set(sys.modules) - before
print([name for name in new if name.startswith("nnabla_")], "h5py" in new)
"""
    ) == ["[]", "False"]
