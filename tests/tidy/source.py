"""The files of the repository as the house rules see them: what git tracks or would track."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("ledger", "verifier", "api", "keys")


@cache
def files() -> tuple[Path, ...]:
    """Every file that is in git or would be by `git add .`, deleted ones left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    paths = (ROOT / name for name in listed.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files below these folders of the repository, or all of them."""
    wanted = [ROOT / folder for folder in folders] or [ROOT]
    return tuple(
        path for path in files() if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in wanted)
    )


@cache
def tree(path: Path) -> ast.Module:
    """The parsed source of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, node: ast.AST | None = None) -> str:
    """`file:line`, as editors and people read it."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
