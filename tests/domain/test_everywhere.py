"""The same figures under any hash seed, locale and time zone, and on every other Python that can run this code.

Another Python takes part if it can load the packages of this one (the same ABI): their own are never downloaded here.
`.ci/auditor-only` runs the auditor's tests, golden figures among them, in an environment of its own.

Covers THREATS D (figures that differ between machines).
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = "tests.domain.everywhere"
CONDITIONS = {
    "hash seed 0": {"PYTHONHASHSEED": "0"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 4294967295": {"PYTHONHASHSEED": "4294967295"},
    "C locale": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "German": {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"},
    "Shanghai": {"TZ": "Asia/Shanghai"},
    "St John's": {"TZ": "America/St_Johns"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
}


def digest(python: str, **environment: str) -> str:
    packages = os.pathsep.join((str(ROOT), sysconfig.get_paths()["platlib"]))
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG", "TZ"))}
    done = subprocess.run(
        [python, "-m", SCRIPT],
        cwd=ROOT,
        env={**given, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def here() -> str:
    return digest(sys.executable)


def pythons() -> Iterator[str]:
    """This Python, and every other on the machine that can load the packages of this one."""
    yield sys.executable
    tag = sys.implementation.cache_tag
    seen = {os.path.realpath(sys.executable)}
    places = [Path(folder) for folder in (*os.get_exec_path(), "/usr/bin", "/usr/local/bin")]
    for path in (folder / name for folder in places for name in ("python3", f"python3.{sys.version_info[1]}")):
        real = os.path.realpath(path)
        if real in seen or not os.access(real, os.X_OK):
            continue
        seen.add(real)
        asked = subprocess.run(
            [real, "-c", "import sys; print(sys.implementation.cache_tag, sys.version_info[:3])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.split(" ")[0] == tag:
            yield real


@pytest.mark.parametrize("name", CONDITIONS)
def test_figures_do_not_depend_on_where_they_are_computed(name: str) -> None:
    assert digest(sys.executable, **CONDITIONS[name]) == here()


def test_figures_do_not_depend_on_the_interpreter() -> None:
    assert {python: digest(python) for python in pythons()} == dict.fromkeys(pythons(), here())
