"""Each distribution builds, installs with plain pip, and works as far as it can alone."""

import importlib.metadata
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build")
pytest.importorskip("hatchling")
pytest.importorskip("scikit_build_core")
pytest.importorskip("pybind11")

NAMES = ["nnabla", "nnabla-core", "nnabla-ext-cpu", "nnabla-io", "nnabla-cli"]
MODULES = {
    "nnabla-core": "nnabla",
    "nnabla-ext-cpu": "nnabla_ext/cpu",
    "nnabla-io": "nnabla_io",
    "nnabla-cli": "nnabla_cli",
}


def install(environment, wheelhouse, name):
    environment.pip("install", "--no-index", "--find-links", str(wheelhouse), name)


@pytest.mark.parametrize("name", NAMES)
def test_sdist_and_wheel_carry_licence_and_readme(built, name):
    assert {"LICENSE", "README.md", "pyproject.toml"} <= built.sdist_names(name)
    metadata = built.metadata(name)
    assert metadata["Name"] == name
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata.get_payload().startswith("# ")
    with built.wheel(name) as wheel:
        assert any(path.endswith(".dist-info/licenses/LICENSE") for path in wheel.namelist())


@pytest.mark.parametrize("name", MODULES)
def test_wheel_holds_its_own_typed_package_and_nothing_else(built, name):
    with built.wheel(name) as wheel:
        files = [path for path in wheel.namelist() if ".dist-info/" not in path]
    assert f"{MODULES[name]}/py.typed" in files
    assert [path for path in files if not path.startswith(f"{MODULES[name]}/")] == []


def test_metapackage_holds_no_file_of_its_own(built):
    with built.wheel("nnabla") as wheel:
        assert [path for path in wheel.namelist() if ".dist-info/" not in path] == []
    assert not any(path.startswith("packages") for path in built.sdist_names("nnabla"))


def test_distributions_share_a_version_and_pin_each_other(built):
    versions = {name: built.metadata(name)["Version"] for name in NAMES}
    assert set(versions.values()) == {versions["nnabla"]}
    for name in NAMES:
        requirements = built.metadata(name).get_all("Requires-Dist", [])
        ours = [text for text in requirements if text.startswith("nnabla")]
        assert ours or name == "nnabla-core"
        for text in ours:
            assert re.fullmatch(r"nnabla-[a-z-]+~=" + re.escape(versions[name]), text)


def test_each_package_has_the_licence_of_the_repository(root, built):
    licence = (root / "LICENSE").read_text()
    for folder in built.folders.values():
        assert (root / folder / "LICENSE").read_text() == licence


def test_every_package_is_built_here(root, built):
    folders = {path.parent for path in root.glob("packages/*/pyproject.toml")}
    assert folders == {root / folder for folder in built.folders.values() if folder != "."}


def native_modules(names):
    return [Path(name).name for name in names if Path(name).suffix in (".so", ".pyd")]


def test_wheel_has_one_native_module_for_one_python(built):
    if shutil.which(os.environ.get("CXX", "c++")) is None:
        pytest.skip("there is no C++ compiler here")
    with built.wheel("nnabla-ext-cpu") as wheel:
        (name,) = native_modules(wheel.namelist())
        assert f"nnabla_ext/cpu/{name}" in wheel.namelist()
    assert name.startswith("_native.")
    assert "none-any" not in wheel.filename


def test_sdist_has_the_sources_of_the_native_code_and_nothing_built(root, built):
    names = built.sdist_names("nnabla-ext-cpu")
    package = root / "packages/nnabla-ext-cpu"
    sources = {path.relative_to(package).as_posix() for path in package.glob("native/**/*.*")}
    assert any(name.endswith(".cpp") for name in sources)
    assert sources | {"CMakeLists.txt"} <= names
    assert native_modules(names) == []


def test_pure_wheel_serves_every_python_and_has_no_native_module(root, build_wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("NNABLA_CPU_PURE", "1")
    wheel = build_wheel(root / "packages/nnabla-ext-cpu", tmp_path)
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "nnabla_ext/cpu/backend.py" in names
    assert native_modules(names) == []


COMPUTE = """
import nnabla as nn
import nnabla.functions as F
import nnabla_ext.cpu

assert nnabla_ext.cpu.targets() == ["numpy"]
x = nn.Variable.from_numpy_array([[1.0, -2.0]], need_grad=True)
y = F.sum(F.relu(x) ** 2)
y.forward()
y.backward()
assert y.d == 1 and x.g.tolist() == [[2, 0]]
"""


def test_installs_and_computes_where_the_compiler_is_broken(
    root, wheelhouse, build_wheel, fresh_environment, tmp_path, monkeypatch
):
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    wheel = build_wheel(root / "packages/nnabla-ext-cpu", tmp_path / "dist")
    with zipfile.ZipFile(wheel) as archive:
        assert native_modules(archive.namelist()) == []
    fresh_environment.pip("install", "--no-index", "--find-links", str(wheelhouse), str(wheel))
    done = fresh_environment.run("python", "-c", COMPUTE)
    assert done.returncode == 0, done.stderr
    assert "no native code" in done.stderr


CORE_ALONE = """
import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF

x = nn.Variable((2, 3))
y = F.tanh(PF.affine(x, 4))
print(nn.__file__)
print(y.shape)
try:
    y.forward()
except RuntimeError as error:
    print(error)
"""


def test_core_alone_builds_graphs_and_says_what_to_install(fresh_environment, wheelhouse):
    install(fresh_environment, wheelhouse, "nnabla-core")
    done = fresh_environment.run("python", "-c", CORE_ALONE)
    assert done.returncode == 0, done.stderr
    path, shape, message = done.stdout.split("\n", 2)
    assert Path(path).is_relative_to(fresh_environment.scripts.parent)
    assert shape == "(2, 4)"
    assert "pip install nnabla-ext-cpu" in message


TRAIN_SAVE_LOAD = """
import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S

x = nn.Variable((2, 3))
x.d = [[1, 2, 3], [4, 5, 6]]
loss = F.mean(PF.affine(x, 4) ** 2)
solver = S.Sgd(0.01)
solver.set_parameters(nn.get_parameters())
losses = []
for _ in range(2):
    loss.forward()
    losses.append(float(loss.d))
    solver.zero_grad()
    loss.backward()
    solver.update()
assert losses[1] < losses[0], losses
saved = {name: p.d.copy() for name, p in nn.get_parameters().items()}
nn.save_parameters("parameters.h5")
nn.clear_parameters()
nn.load_parameters("parameters.h5")
assert {name: p.d.tolist() for name, p in nn.get_parameters().items()} == {
    name: values.tolist() for name, values in saved.items()
}
"""


def test_metapackage_brings_backend_formats_and_commands(fresh_environment, wheelhouse, tmp_path):
    install(fresh_environment, wheelhouse, "nnabla")
    fresh_environment.pip("check")
    version = fresh_environment.run("nnabla_cli", "version")
    assert version.returncode == 0, version.stderr
    assert importlib.metadata.version("nnabla-core") in version.stdout
    done = fresh_environment.run("python", "-c", TRAIN_SAVE_LOAD, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
