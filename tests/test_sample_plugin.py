"""A third party's distribution, installed from its wheel beside those of NNabla: used, removed, and missed.

It is built, installed and used in one fresh environment without the repository on its path. PyTorch, which is large, is
lent to it by links where these tests have it.
"""

import ast
import importlib
import importlib.metadata
import json
import os
import re
import shutil

import pytest

pytest.importorskip("build")
pytest.importorskip("hatchling")

NAMES = ["nnabla", "nnabla-core", "nnabla-ext-cpu", "nnabla-io", "nnabla-cli"]
PLUGINS = {
    ("backends", "sample"),
    ("backends", "sample_kernels"),
    ("operators", "Snake"),
    ("parameter_formats", "npz"),
    ("commands", "compare-parameters"),
}
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def requirements(name, found=None):
    """The distributions that one needs to run, itself included; empty if it is not here."""
    found = {} if found is None else found
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return found
    found[name.lower()] = distribution
    for text in distribution.requires or []:
        needed = re.match(r"[\w.-]+", text).group().lower()
        if "extra ==" not in text and needed not in found:
            requirements(needed, found)
    return found


def lend(environment, name, folder):
    """Make a distribution of this interpreter importable in an environment; return whether it is here."""
    found = requirements(name)
    folder.mkdir()
    for distribution in found.values():
        for entry in {path.parts[0] for path in distribution.files or []} - {"..", "__pycache__"}:
            target = folder / entry
            if not target.exists():
                target.symlink_to(distribution.locate_file(entry))
    done = environment.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    with open(os.path.join(done.stdout.strip(), f"lent_{name}.pth"), "w") as file:
        file.write(f"{folder}\n")
    return bool(found)


@pytest.fixture(scope="module")
def sample(root):
    return root / "examples/plugins/nnabla-ext-sample"


@pytest.fixture(scope="module")
def workplace(sample, tmp_path_factory):
    """A folder with the sample's tests, but not its source."""
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(sample / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(sample / "pyproject.toml", folder)
    return folder


@pytest.fixture(scope="module")
def environment(sample, make_environment, wheelhouse, testing_wheels, build_wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    wheel = build_wheel(sample, folder / "dist")
    environment = make_environment(folder / "environment")
    find = [option for path in (wheelhouse, testing_wheels) for option in ("--find-links", str(path))]
    environment.pip("install", "--no-index", *find, *NAMES, f"{wheel}[tests]")
    environment.has_torch = lend(environment, "torch", folder / "lent")
    return environment


def succeed(environment, *command, **options):
    done = environment.run(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


WHERE = """
import nnabla, nnabla_cli, nnabla_io, nnabla_sample, nnabla_ext.cpu, nnabla_ext.sample, nnabla_ext.sample_kernels, sys
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("nnabla", "nnabla_cli", "nnabla_io", "nnabla_sample", "nnabla_ext"):
        print(getattr(module, "__file__", None) or "")
"""


def test_everything_comes_from_wheels_and_nothing_from_the_repository(environment, root):
    paths = list(filter(None, succeed(environment, "python", "-c", WHERE).splitlines()))
    assert len(paths) > 20
    assert [path for path in paths if not path.startswith(str(environment.scripts.parent))] == []
    assert str(root) not in succeed(environment, "python", "-c", "import sys; print(sys.path)")
    environment.pip("check")


def test_its_own_tests_pass(environment, workplace):
    output = succeed(environment, "python", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", cwd=workplace)
    assert ("PyTorch, which is not installed" in output) == (not environment.has_torch), output
    assert ("skipped" in output) == (not environment.has_torch), output
    assert int(re.search(r"(\d+) passed", output).group(1)) > 80


PART = ["--family", "arrays", "--family", "execution", "--family", "activation", "--family", "linear_algebra"]


def test_each_of_its_plugins_conforms(environment, sample, workplace):
    lines = re.findall(
        r"^    python (-m nnabla\.testing conformance .*)$", (sample / "README.md").read_text("utf-8"), re.M
    )
    assert len(lines) == len(PLUGINS)
    for line in lines:
        if environment.has_torch or not line.endswith(" sample"):
            part = PART if "--backend" in line else []
            table = succeed(environment, "python", *line.split(), *part, cwd=workplace)
            passed, failed, falls_back, declined = table.splitlines()[-1].split()[-4:]
            assert int(passed) > 5 and (failed, declined) == ("-", "-"), table
            assert (falls_back != "-") == line.endswith("sample_kernels"), table


def test_the_code_of_its_readme_runs(environment, sample, tmp_path):
    blocks = PYTHON.findall((sample / "README.md").read_text("utf-8"))
    assert len(blocks) >= 4
    for block in blocks:
        if environment.has_torch or '"sample"' not in block:
            succeed(environment, "python", "-c", block, cwd=tmp_path)


def test_all_its_plugins_load_and_the_doctor_finds_nothing_broken(environment):
    found = json.loads(succeed(environment, "nnabla_cli", "plugins", "--check", "--json"))
    ours = [plugin for plugin in found if plugin["distribution"] == "nnabla-ext-sample"]
    assert {(plugin["kind"], plugin["name"]) for plugin in ours} == PLUGINS
    assert {plugin["state"] for plugin in found} == {"loaded"}
    checks = json.loads(succeed(environment, "nnabla_cli", "doctor", "--json"))
    (torch,) = [check for check in checks if check["name"] == "PyTorch"]
    assert torch["state"] == ("ok" if environment.has_torch else "missing")
    assert ("pip install" in torch["fix"]) == (not environment.has_torch)


WITHOUT_TORCH = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else find_spec(name, *rest)
from nnabla.ext_utils import get_extension_context, list_extensions
assert list_extensions() == ["cpu", "sample_kernels"], list_extensions()
try:
    get_extension_context("sample")
except RuntimeError as error:
    print(error)
"""


def test_without_pytorch_its_backend_says_what_installs_it_and_the_others_work(environment):
    message = succeed(environment, "python", "-c", WITHOUT_TORCH)
    assert message.strip() == (
        "backend 'sample' needs PyTorch, which is not installed; pip install 'nnabla-ext-sample[torch]'"
    )


def function_source(path, name):
    (function,) = (node for node in ast.parse(path.read_text("utf-8")).body if getattr(node, "name", None) == name)
    if ast.get_docstring(function):
        function.body = function.body[1:]
    return ast.dump(function)


def test_the_network_that_it_trains_is_the_demos(root, sample):
    ours, demo = sample / "tests/network.py", root / "examples/demo/digits.py"
    assert function_source(ours, "cnn") == function_source(demo, "cnn")


def imports(path):
    """What a module imports of NNabla: (module, name)."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.partition(".")[0] == "nnabla")
        elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "nnabla":
            yield from ((node.module, alias.name) for alias in node.names)


def test_it_imports_only_what_is_public_and_documented(root, sample):
    documents = "\n".join(path.read_text("utf-8") for path in (root / "docs").rglob("*.md"))
    found = {entry for path in sample.rglob("*.py") for entry in imports(path)}
    assert len(found) > 10
    for module, name in found:
        assert not re.search(r"(^|\.)_", f"{module}.{name or ''}"), f"{module}.{name} is private"
        assert module in documents, f"no page mentions {module}"
        public = getattr(importlib.import_module(module), "__all__", None)
        assert name is None or public is None or name in public, f"{module}.{name} is not public"


AFTER = """
import nnabla as nn
from nnabla.ext_utils import get_extension_context, import_extension_module, list_extensions
from nnabla.ops.definition import find_operator
from network import train

losses = train(get_extension_context("cpu"), steps=4)
assert losses[-1] < losses[0]
assert list_extensions() == ["cpu"]
with nn.parameter_scope("", {}):
    nn.parameter.get_parameter_or_create("w", (2,))
    nn.save_parameters("net.h5")
    nn.load_parameters("net.h5")
for ask in (
    lambda: get_extension_context("sample"),
    lambda: import_extension_module("sample_kernels"),
    lambda: nn.Variable((2,)) and train(nn.Context(["sample:float"], "SampleArray", "")),
    lambda: find_operator("Snake"),
    lambda: nn.save_parameters("net.npz"),
):
    try:
        ask()
    except RuntimeError as error:
        print(error)
"""


def test_when_it_is_removed_all_else_works_and_asking_for_it_says_what_is_missing(environment, workplace):
    environment.pip("uninstall", "--yes", "nnabla-ext-sample")
    output = succeed(environment, "python", "-c", AFTER, cwd=workplace / "tests")
    sample, kernels, context, operator, file_format = output.splitlines()
    for message, name in ((sample, "sample"), (kernels, "sample_kernels"), (context, "sample")):
        assert f"backend {name!r} is not installed; installed: cpu" in message
        assert f"`pip install nnabla-ext-{name}` would bring it" in message
    assert "operator 'Snake' is not installed" in operator and "'nnabla.operators'" in operator
    assert "net.npz" in file_format and "extension '.npz' is unknown; installed parameter formats: .h5" in file_format
    done = environment.run("nnabla_cli", "compare-parameters", "net.h5", "net.h5")
    assert done.returncode != 0 and "compare-parameters" in done.stderr and done.stdout == ""
    found = json.loads(succeed(environment, "nnabla_cli", "plugins", "--check", "--json"))
    assert not {(plugin["kind"], plugin["name"]) for plugin in found} & PLUGINS
    assert {plugin["state"] for plugin in found} == {"loaded"}
    succeed(environment, "nnabla_cli", "doctor")
    environment.pip("check")
