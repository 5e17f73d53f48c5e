"""The developer's door: demo, tests, lint, bench and build, each in an environment of its own.

    python3 noxfile.py -s tests        # needs Python 3.10 or newer and nothing else
    nox -s tests                       # the same, where nox is installed

Run as a script, this file looks for nox beside the interpreter, and where there is none makes the
private environment .nox-bootstrap with it. Arguments after `--` go to the session's command.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NOX = "nox>=2025.2.9"


def private_nox():
    """The interpreter of the private environment, which is made first where it is missing."""
    folder = ROOT / ".nox-bootstrap"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists() and has_nox(python):
        return python
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError as error:
        version = "{}.{}".format(*sys.version_info)
        sys.exit(
            f"noxfile: this Python {version} ({sys.executable}) cannot make an environment for"
            f" nox: it lacks the module {error.name}.\nInstall the package that brings it, on"
            f" Debian and Ubuntu:\n\n    apt install python{version}-venv\n\nor run"
            " noxfile.py with another Python."
        )
    print(f"noxfile: no nox beside {sys.executable}, making {folder}", flush=True)
    venv.create(folder, clear=True, with_pip=True, symlinks=os.name != "nt")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.run([*pip, NOX]).returncode != 0:
        sys.exit(f"noxfile: could not install {NOX} into {folder}; pip's message is above")
    return python


def has_nox(python):
    """Whether an interpreter has a nox that knows all that is used below."""
    code = "import nox.project; nox.project.dependency_groups"
    return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0


def run_as_script(arguments):
    """Hand the arguments to nox, here or in the private environment; return its exit status."""
    if sys.version_info < (3, 10):  # noqa: UP036  (an older Python gets this far)
        sys.exit("noxfile: needs Python 3.10 or newer, this is {}.{}".format(*sys.version_info))
    python = sys.executable if has_nox(sys.executable) else private_nox()
    nox = [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py")]
    return subprocess.run([*nox, *arguments]).returncode


if __name__ == "__main__":
    sys.exit(run_as_script(sys.argv[1:]))

import nox  # noqa: E402  (a script has left above, so that it runs where nox is missing)

nox.needs_version = NOX.removeprefix("nox")
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "tests"]

# The core's line coverage in percent below which the tests session fails.
CORE_COVERAGE = 95

PACKAGES = ["nnabla-core", "nnabla-ext-cpu", "nnabla-io", "nnabla-cli"]
# The native code and its tests.
BACKEND = ROOT / "packages/nnabla-ext-cpu"
NATIVE_TESTS = "packages/nnabla-ext-cpu/tests/native"

PROJECT = nox.project.load_toml("pyproject.toml")


def install(session, *groups, editable=False, pure=False):
    """Install this repository's packages, with native code unless `pure`, and dependency groups of pyproject.toml."""
    arguments = []
    for name in PACKAGES:
        extra = "[testing]" if name == "nnabla-core" and "tests" in groups else ""
        arguments += ["-e"] * editable + [f"./packages/{name}{extra}"]
    for group in groups:
        arguments += nox.project.dependency_groups(PROJECT, group)
    session.install(*arguments, env={"NNABLA_CPU_PURE": "1"} if pure else None)


def install_torch(session):
    """Install PyTorch where NNABLA_TEST_TORCH=1 asks for it, for the tests that compare with it."""
    if os.environ.get("NNABLA_TEST_TORCH") == "1":
        session.install("torch==2.13.0")


@nox.session
def demo(session):
    """Train a small network on handwritten digits, then predict with it in a fresh process."""
    install(session, "demo")
    output = str(ROOT / "examples/demo/output")
    session.run("python", "examples/demo/train.py", "--output", output, *session.posargs)
    session.run("python", "examples/demo/predict.py", "--output", output)


@nox.session
def tests(session):
    """Run the whole suite and report coverage, or pytest with the arguments given."""
    install(session, "tests", editable=True)
    install_torch(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "run", "-m", "pytest")
    session.run("coverage", "report")
    core = "--include=packages/nnabla-core/src/*"
    session.run("coverage", "report", core, "--format=total", f"--fail-under={CORE_COVERAGE}")


@nox.session
def lint(session):
    """Check style, formatting, types and which package imports which."""
    install(session, "tests", "lint", editable=True, pure=True)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    lint_native(session)


def lint_native(session):
    """Check form and code of the native sources; clang-tidy where there is a compiler, whose headers it reads."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (BACKEND / "native").rglob("*.cpp"))
    headers = sorted(str(path.relative_to(ROOT)) for path in (BACKEND / "native").rglob("*.h"))
    session.run("clang-format", "--dry-run", "--Werror", *sources, *headers)
    if shutil.which("c++") is None:
        session.warn("no C++ compiler: clang-tidy, which reads its headers, does not run")
        return
    folder = session.create_tmp()
    pybind = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    options = ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DNNABLA_BASELINE_ONLY=ON", f"-Dpybind11_DIR={pybind}"]
    session.run("cmake", "-S", str(BACKEND), "-B", folder, "-G", "Ninja", *options, silent=True)
    # A file at a time on each processor; wholly silent where nothing is found.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        check = ["clang-tidy", "--quiet", "-p", folder]
        list(pool.map(lambda source: session.run(*check, source, silent=True), sources))


@nox.session(name="coverage-table")
def coverage_table(session):
    """Print what computes and checks each operator; with --write, docs/operator-table.md."""
    install(session, "tests", editable=True)
    session.run("python", "-m", "nnabla.testing", "coverage", *session.posargs)


@nox.session(name="operator-pages")
def operator_pages(session):
    """Say which pages of operators are not true; with --write, draw and write docs/operators."""
    install(session)
    if "--write" in session.posargs:
        session.run("python", "docs/operator_pictures.py")
    session.run("python", "docs/operator_pages.py", *session.posargs)


# What the benchmark compares with, each in an environment of its own: OpenVINO converts PyTorch's networks.
CONTENDERS = {"torch": ["torch==2.13.0"], "jax": ["jax"], "openvino": ["openvino", "torch==2.13.0"]}


@nox.session
@nox.parametrize("name", list(CONTENDERS), ids=list(CONTENDERS))
def contender(session, name):
    """Install a framework for the bench session to compare with."""
    session.install(*CONTENDERS[name])


@nox.session
def bench(session):
    """Time the benchmark cases, or every operator; see benchmarks/README.md."""
    install(session)
    ours = str(Path(session.bin) / "python")
    script, arguments = "compare.py", list(session.posargs)
    if arguments[:1] == ["operators"]:
        script, arguments = "operators.py", arguments[1:]
    else:
        for name in CONTENDERS:
            python = Path(session.bin).parents[1] / f"contender-{name}" / Path(session.bin).name / "python"
            if f"--{name}" not in arguments and python.exists():
                arguments += [f"--{name}", str(python)]
    session.run("python", f"benchmarks/{script}", "--ours", ours, *arguments)


@nox.session
def build(session):
    """Build sdist and wheel of every distribution into dist/."""
    session.install(*nox.project.dependency_groups(PROJECT, "build"))
    for folder in [".", *(f"packages/{name}" for name in PACKAGES)]:
        session.run("python", "-m", "build", "--outdir", "dist", folder)


@nox.session
def wheels(session):
    """Build the CPU backend's wheels into dist/: the pure one, and on Linux a manylinux one with native code."""
    session.install(*nox.project.dependency_groups(PROJECT, "wheels"))
    build_wheel = ["python", "-m", "build", "--wheel", "packages/nnabla-ext-cpu", "--outdir"]
    session.run(*build_wheel, "dist", env={"NNABLA_CPU_PURE": "1"})
    built = Path(session.create_tmp())
    for old in built.glob("*.whl"):
        old.unlink()
    session.run(*build_wheel, str(built))
    (wheel,) = built.glob("*.whl")
    if wheel.name.endswith("-none-any.whl"):
        session.error("the native code was not built: is there a C++ compiler? Its messages are above")
    if sys.platform.startswith("linux"):
        session.run("auditwheel", "repair", "--wheel-dir", "dist", str(wheel))
    else:
        wheel.replace(ROOT / "dist" / wheel.name)


def install_native(session, **definitions):
    """Install the packages, the CPU backend with native code that CMake makes with these definitions."""
    install(session, "tests", pure=True)
    # In a folder of its own: what CMake remembers must not reach other builds.
    settings = [f"build-dir={Path(session.create_tmp()).resolve()}/build"]
    settings += [f"cmake.define.{name}={value}" for name, value in definitions.items()]
    build = ["--force-reinstall", "--no-deps", *(f"--config-settings={text}" for text in settings)]
    session.install(*build, "./packages/nnabla-ext-cpu")
    install_torch(session)


def need(session, *tools, package):
    """End the session with what to install, unless all tools are there."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        session.error(f"{session.name} needs {', '.join(missing)}; on Debian and Ubuntu: apt install {package}")


@nox.session
def native(session):
    """Build the native code with the compiler that `-- --compiler` names, else the usual one, and run its tests."""
    arguments, definitions = list(session.posargs), {}
    if arguments[:1] == ["--compiler"] and len(arguments) > 1:
        compiler, arguments = arguments[1], arguments[2:]
        need(session, compiler, package="clang" if "clang" in compiler else "g++")
        definitions["CMAKE_CXX_COMPILER"] = compiler
    install_native(session, **definitions)
    code = "import nnabla_ext.cpu._native as native; print('compiled by', native.compiler)"
    session.run("python", "-c", code)
    session.run("pytest", *(arguments or [NATIVE_TESTS]))


# Limits on memory are the emulator's or the sanitizer's own where there is one.
WITHOUT_LIMITS = [
    f"--deselect={NATIVE_TESTS}/test_threads.py::test_memory_that_runs_out_in_any_thread_is_an_error_and_not_the_end",
    f"--deselect={NATIVE_TESTS}/test_safety.py::test_a_graph_that_runs_out_of_memory_runs_where_there_is_enough",
]


# What is loaded before Python, which is built without them, and what they are told. Python's own leaks are not ours.
SANITIZERS = {
    "address,undefined": (
        ["libasan.so", "libubsan.so", "libstdc++.so"],
        {
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:handle_segv=0",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        },
    ),
    # NumPy's BLAS and PyTorch are not built for it, so what their threads do would be taken for races.
    "thread": (
        ["libtsan.so"],
        {
            "TSAN_OPTIONS": "die_after_fork=0:halt_on_error=1:allocator_may_return_null=1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        },
    ),
}


@nox.session
@nox.parametrize("name", list(SANITIZERS), ids=["address", "thread"])
def sanitize(session, name):
    """Run the native code's tests with it built for a sanitizer; Linux with GCC."""
    libraries, options = SANITIZERS[name]
    need(session, "gcc", "setarch", package="g++ util-linux")
    install_native(session, NNABLA_SANITIZE=name)
    found = [session.run("gcc", f"-print-file-name={library}", silent=True, external=True) for library in libraries]
    environment = {"LD_PRELOAD": " ".join(path.strip() for path in found), "NNABLA_CPU_NUM_THREADS": "3", **options}
    # Addresses at random places are more than the thread sanitizer of older compilers can do with.
    run = ["setarch", "-R", str(Path(session.bin) / "python")]
    session.run(*run, "-c", "import nnabla_ext.cpu._native", env=environment, external=True)
    tests = session.posargs or [NATIVE_TESTS, "packages/nnabla-ext-cpu/tests/test_replay.py", *WITHOUT_LIMITS]
    # What a sanitizer reports before it ends the process must not be in pytest's hands.
    session.run(*run, "-m", "pytest", "--capture=sys", *tests, env=environment, external=True)


# The emulator itself fails where a process of several threads forks.
NOT_EMULATED = [
    *WITHOUT_LIMITS,
    f"--deselect={NATIVE_TESTS}/test_threads.py::test_children_of_a_fork_compute_and_fork_again",
    f"--deselect={NATIVE_TESTS}/test_threads.py::test_a_fork_while_other_threads_compute_does_not_hang",
]


def emulated_python(session, folder):
    """Unpack Debian's Python for 64-bit ARM into a folder, without installing anything; return its version."""
    root, apt = folder / "root", folder / "apt"
    for place in ("lists/partial", "archives/partial"):
        (apt / place).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "apt.conf").write_text(
        'APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Sandbox::User "";\n'
        f'Dir::State "{apt}"; Dir::State::status "{apt}/status"; Dir::Cache "{apt}";\n'
        f'Dir::Cache::archives "{apt}/archives";\n'
    )
    environment = {"APT_CONFIG": str(apt / "apt.conf")}
    if not root.exists():
        session.run("apt-get", "-q", "update", env=environment, external=True)
        fetch = ["apt-get", "-qy", "install", "--no-install-recommends", "--download-only"]
        packages = ["python3-minimal", "libpython3-stdlib", "libstdc++6"]
        session.run(*fetch, *packages, env=environment, external=True, silent=True)
        (found,) = (apt / "archives").glob("python3.*-minimal_*")
        headers = f"lib{found.name.partition('-')[0]}-dev"
        with session.chdir(apt / "archives"):  # by themselves, without the C library's
            session.run("apt-get", "-q", "download", headers, env=environment, external=True, silent=True)
        for package in sorted((apt / "archives").glob("*.deb")):
            session.run("dpkg-deb", "-x", str(package), str(root), external=True, silent=True)
    (program,) = (path.name for path in (root / "usr/bin").glob("python3.*[0-9]"))
    return program.removeprefix("python")


@nox.session
def emulate(session):
    """Compile the native code for 64-bit ARM and run its tests there, emulated, with Debian's Python.

    For Debian and Ubuntu. `-- ARGUMENTS` go to pytest instead.
    """
    need(session, "aarch64-linux-gnu-g++", package="g++-aarch64-linux-gnu")
    need(session, "qemu-aarch64", package="qemu-user")
    need(session, "apt-get", "dpkg-deb", package="apt dpkg")
    folder = Path(session.create_tmp()).resolve()
    root, site = folder / "root", folder / "site"
    version = emulated_python(session, folder)
    if session.run("python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])", silent=True).strip() != version:
        session.error(f"the emulated Python is {version}, and this machine's must be too: --force-python {version}")

    # Wheels for the other processor, and the CPU backend's without native code, to which the native code is added.
    session.install(*nox.project.dependency_groups(PROJECT, "tests"))
    wheels = folder / "wheels"
    pip = ["python", "-m", "pip", "--disable-pip-version-check"]
    packages = [f"./packages/{name}" for name in PACKAGES]
    session.run(*pip, "wheel", "-q", "--no-deps", "-w", str(wheels), *packages, env={"NNABLA_CPU_PURE": "1"})
    platforms = [f"--platform=manylinux_2_{number}_aarch64" for number in (17, 27, 28)]
    other = ["--target", str(site), "--upgrade", "--python-version", version, "--only-binary=:all:", *platforms]
    tests = [text for text in nox.project.dependency_groups(PROJECT, "tests") if text.startswith("pytest")]
    core = [f"{path}[testing]" if "core" in path.name else str(path) for path in wheels.glob("*.whl")]
    session.run(*pip, "install", "-q", *other, "--find-links", str(wheels), *core, *tests)

    pybind = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    toolchain = BACKEND / "cmake/aarch64-linux-gnu.cmake"
    definitions = [f"CMAKE_TOOLCHAIN_FILE={toolchain}", f"PYTHON_ROOT={root}", f"PYTHON_VERSION={version}"]
    definitions += [f"pybind11_DIR={pybind}", f"CMAKE_LIBRARY_OUTPUT_DIRECTORY={site}/nnabla_ext/cpu"]
    build = str(folder / "build")
    session.run("cmake", "-S", str(BACKEND), "-B", build, "-G", "Ninja", *(f"-D{text}" for text in definitions))
    session.run("cmake", "--build", build)

    # A program of its own, so that tests can start another Python by sys.executable.
    program = folder / "python"
    command = f'qemu-aarch64 -0 "$0" -L "{root}" "{root}/usr/bin/python{version}" "$@"'
    program.write_text(f"#!/bin/sh\nexec {command}\n")
    program.chmod(0o755)
    environment = {"PYTHONHOME": str(root / "usr"), "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    run = [str(program), "-m", "pytest", "-p", "no:cacheprovider"]
    arguments = session.posargs or [NATIVE_TESTS, *NOT_EMULATED]
    session.run(*run, *arguments, env=environment, external=True)
