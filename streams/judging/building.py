"""Builds the kernel beside its source: `python streams/judging/building.py`, as `make setup` does.

Needs Cython (requirements/kernel.txt), a C compiler and Python's headers. Where one is missing that is said
and nothing else is lost: the exit code is 0, unless the environment has REQUIRE_KERNEL.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.pyx")


def is_built(source: Path = SOURCE) -> bool:
    """Return whether a kernel lies beside the source that was built from it, for this Python.

    Nothing of it is run for that: what was built from another source may not even fit to what it imports.
    """
    try:
        return fingerprint(source).encode() in _target(source).read_bytes()
    except OSError:
        return False


def fingerprint(source: Path = SOURCE) -> str:
    """Return what tells a source from others; a kernel has that of its own in it."""
    return f"kernel {sha256(source.read_bytes()).hexdigest()}"


def build(source: Path = SOURCE) -> Path:
    """Return the compiled module.

    Raises:
        OSError: There is no compiler, or nothing can be written there.
        CalledProcessError: Cython or the compiler refused; its output is in `stdout`.
    """
    target, mark = _target(source), fingerprint(source)
    with tempfile.TemporaryDirectory() as folder:
        translated, made = Path(folder) / "kernel.c", Path(folder) / target.name
        _run([sys.executable, "-m", "cython", "-3", str(source), "-o", str(translated)])
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        options = [
            "-O2",
            "-fPIC",
            *_shared(),
            f'-DKERNEL_SOURCE="{mark}"',
            f"-I{sysconfig.get_paths()['include']}",
        ]
        _run([*compiler, *options, str(translated), "-o", str(made)])
        # A worker that runs has the old one open: a new file takes its name, at once.
        beside = target.with_suffix(".new")
        beside.write_bytes(made.read_bytes())
        beside.replace(target)
    return target


def _target(source: Path) -> Path:
    return source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))


def _shared() -> list[str]:
    return ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main() -> int:
    """Build it, or say why not."""
    try:
        build()
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
    except subprocess.CalledProcessError as error:
        lines = error.stdout.strip().splitlines() or [str(error)]
        why = next((line for line in lines if "rror" in line), lines[-1])
    else:
        return 0
    print(f"The kernel was not built ({why}); watching behaviour takes more CPU without it.", file=sys.stderr)
    return 1 if os.environ.get("REQUIRE_KERNEL") else 0


if __name__ == "__main__":
    sys.exit(main())
