"""Hash of the code that a result depends on."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE = "repro"
LIBRARIES = ("imbalanced-learn", "numpy", "pandas", "scikit-learn", "scipy")
"""Libraries whose version is part of the hash: a new release may change a number."""


LIBRARIES_IN_USE: Final = {"xgboost": ("xgboost-cpu", "xgboost"), "torch": ("torch",)}
"""Libraries whose version counts only where the code imports them: name of the import, distributions that bring it."""


def _module_file(module: str) -> Path | None:
    base = Path(__file__).resolve().parents[2].joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _imported_names(source: str, package: str | None = None) -> set[str]:
    """Dotted names that a Python text imports, anywhere in it, from whatever package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and package:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def imported_modules(source: str, *, package: str | None = None) -> set[str]:
    """Names of the modules of this package that a Python text imports, anywhere in it.

    Parameters
    ----------
    source : str
        Python source text.
    package : str or None
        Package that relative imports start from.

    Returns
    -------
    set of str
        Dotted names, their parent packages included. ``from repro.sampling import SMOTE`` gives
        ``repro``, ``repro.sampling`` and, if such a module exists, ``repro.sampling.SMOTE``.
    """
    modules: set[str] = set()
    for name in _imported_names(source, package):
        parts = name.split(".")
        if parts[0] == PACKAGE:
            prefixes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
            modules.update(prefix for prefix in prefixes if _module_file(prefix))
    return modules


@cache
def _without_comments(path: Path) -> str:
    """Source of a module without comments, docstrings and layout: what cannot change a number is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


@cache
def _direct_imports(module: str) -> frozenset[str]:
    path = _module_file(module)
    if path is None:
        return frozenset()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return frozenset(imported_modules(path.read_text(encoding="utf-8"), package=package))


def import_closure(modules: Iterable[str]) -> list[str]:
    """All modules of this package that `modules` import, directly or through others, themselves included.

    Returns
    -------
    list of str
        Sorted dotted names.
    """
    closure: set[str] = set()
    waiting = [module for module in modules if _module_file(module)]
    while waiting:
        module = waiting.pop()
        if module not in closure:
            closure.add(module)
            waiting.extend(_direct_imports(module) - closure)
    return sorted(closure)


def _version_in_use(library: str) -> str | None:
    """Version of a library of :data:`LIBRARIES_IN_USE`; None when it is not installed."""
    for distribution in LIBRARIES_IN_USE[library]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def code_hash(modules: Iterable[str]) -> str:
    """Hash of the code of `modules` and of all they import from this package, and of the library versions.

    Comments, docstrings and layout do not count. Libraries outside the package count with their version
    (:data:`LIBRARIES`, and those of :data:`LIBRARIES_IN_USE` that a module imports).

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    in_use: set[str] = set()
    for module in import_closure(modules):
        path = _module_file(module)
        if path is not None:
            digest.update(f"{module}\n{_without_comments(path)}\n".encode())
            names = _imported_names(path.read_text(encoding="utf-8"))
            in_use |= {name.partition(".")[0] for name in names} & set(LIBRARIES_IN_USE)
    for library in LIBRARIES:
        digest.update(f"{library}=={importlib.metadata.version(library)}\n".encode())
    for library in sorted(in_use):
        digest.update(f"{library}=={_version_in_use(library)}\n".encode())
    return digest.hexdigest()
