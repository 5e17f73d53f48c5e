"""What the measurements were taken on: the processor, its vector extensions and what it can do at most."""

import platform
import subprocess
import tempfile
from pathlib import Path

from case_runner import threads

# In the order of the widths that they bring.
EXTENSIONS = (
    "sse4_2",
    "avx",
    "fma",
    "avx2",
    "avx512f",
    "avx512_bf16",
    "avx512_vnni",
    "amx_tile",
    "asimd",
    "sve",
    "sve2",
)


def processor():
    """Return the processor's name and its vector extensions, where the system tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor(), []
    found = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = f"{found.get('flags', '')} {found.get('Features', '')}".split()
    name = found.get("model name") or platform.processor() or platform.machine()
    return name, [extension for extension in EXTENSIONS if extension in flags]


def fma_peak():
    """The measured peak of fused multiply-adds on all threads in GFLOP/s, or None without a C++ compiler."""
    source = Path(__file__).with_name("fma_peak.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "fma_peak")
        command = ["c++", "-O3", "-march=native", "-pthread", "-o", program, str(source)]
        try:
            subprocess.run(command, check=True, capture_output=True)
            done = subprocess.run([program, str(threads())], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    return float(done.stdout)


def machine():
    """Return all of it as a dictionary."""
    name, extensions = processor()
    return {
        "processor": name,
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": threads(),
        "vector_extensions": extensions,
        "fma_peak_gflops": fma_peak(),
    }


if __name__ == "__main__":
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="\n")
