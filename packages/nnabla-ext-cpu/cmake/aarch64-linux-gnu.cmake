# For cmake -DCMAKE_TOOLCHAIN_FILE=: compile for 64-bit ARM Linux with Debian's g++-aarch64-linux-gnu.
#
# PYTHON_ROOT is the root of a system for that processor with Python's headers, of which those of Python
# PYTHON_VERSION (3.11, say) are taken; the interpreter that CMake runs is this machine's, of the same version.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PYTHON_ROOT PYTHON_VERSION)

string(REPLACE "." "" PYTHON_DIGITS "${PYTHON_VERSION}")
set(Python_INCLUDE_DIR "${PYTHON_ROOT}/usr/include/python${PYTHON_VERSION}")
set(PYTHON_MODULE_EXTENSION ".cpython-${PYTHON_DIGITS}-aarch64-linux-gnu.so")
# Debian's pyconfig.h includes the processor's by a path from here.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${PYTHON_ROOT}/usr/include")
