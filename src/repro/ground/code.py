"""What a result depends on in this package: the definitions that are really used, and the libraries they import.

A *definition* is what a module binds at its top level: a function, a class, a constant. From the function that
computes a cell every name is followed to its definition, through the faces of packages (``__init__``), through imports
inside of functions and through attributes of modules, and from there on. What is not reached does not count: another
function of the same module, a new name in a face, comments, docstrings, layout, annotations, the name of a module.

The package keeps to two rules that make this complete, and tests hold it to them: importing a module does nothing but
define names, and nothing is registered by a decorator.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = "repro"

BOUNDARIES: Final = frozenset(
    {
        "repro.claims.loading",
        "repro.data.csv_file",
        "repro.data.keeping",
        "repro.data.loading",
        "repro.data.registry",
        "repro.ground.code",
        "repro.protocol.used",
        "repro.results.currency",
        "repro.results.places",
        "repro.running",
        "repro.studies",
    }
)
"""Modules, with those in them where they are packages other than ``repro.studies``, whose code cannot change a number.

What they return is checked by a checksum that counts by itself (a loaded table, a result table) or is read from a file
that does (claims). Of their functions only the classes in the annotation of what they return are followed.
"""

DISTRIBUTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "PIL": ("pillow",),
    "imblearn": ("imbalanced-learn",),
    "mpl_toolkits": ("matplotlib",),
    "sklearn": ("scikit-learn",),
    "xgboost": ("xgboost-cpu", "xgboost"),
    "yaml": ("PyYAML",),
}
"""Distributions that bring a library, where they are not called as it is imported."""

UNCOUNTED: Final = frozenset(
    {
        "filelock",
        "joblib",
        "platformdirs",
        "polars",
        "pooch",
        "psutil",
        "pyarrow",
        "rich",
        "safetensors",
        "threadpoolctl",
    }
)
"""Libraries that pass values on, keep or show them, and compute none: their versions do not count."""

ROUNDS: Final = 3
"""How many steps of names and their definitions are told apart by where they lead, not only by what they are called."""


class Imported(NamedTuple):
    """What a name of a module was imported from: a module, or a name in it."""

    module: str
    name: str | None = None


class Definition(NamedTuple):
    """A name that a module of this package binds."""

    module: str
    name: str


Target = Definition | str
"""Where a reference leads: a definition of this package, or the dotted name of something outside."""


@dataclass
class _Module:
    """Top level of a module: what binds each name, where the imported ones come from, and what else it does."""

    name: str
    package: str
    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Imported] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    looked_at: dict[str, tuple[str, _References]] = field(default_factory=dict)


def _module_file(module: str) -> Path | None:
    base = Path(__file__).resolve().parents[2].joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _module_source(module: str) -> tuple[str, bool] | None:
    """Source of a module of this package, and whether it is that of a package; None when there is no such module."""
    path = _module_file(module)
    return None if path is None else (path.read_text(encoding="utf-8"), path.name == "__init__.py")


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


@cache
def _exists(module: str) -> bool:
    return _is_inside(module) and _module_source(module) is not None


def _is_boundary(module: str) -> bool:
    if module in BOUNDARIES:
        return True
    parent = module.rpartition(".")[0]
    return parent != "repro.studies" and parent in BOUNDARIES


# What a module binds


def _imports_of(node: ast.AST, package: str) -> Iterator[tuple[str, Imported]]:
    """Names that an import statement binds and where they come from."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, Imported(alias.name)
            else:
                yield alias.name.partition(".")[0], Imported(alias.name.partition(".")[0])
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            kept = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*kept, *filter(None, [base])])
        for alias in node.names:
            yield alias.asname or alias.name, Imported(base, alias.name)


def _names_bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement binds at the top level of a module; those of a comprehension live in it alone."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    inner = {
        part for node in ast.walk(statement) if isinstance(node, ast.comprehension) for part in ast.walk(node.target)
    }
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in inner
    } | {
        node.name
        for node in ast.walk(statement)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def _is_check_of(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.If) and any(
        (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
        for node in ast.walk(statement.test)
    )


def _read_statements(module: _Module, statements: Iterable[ast.stmt]) -> None:
    for statement in statements:
        if _is_check_of(statement, "TYPE_CHECKING"):
            _read_statements(module, statement.orelse)  # type: ignore[attr-defined]
            continue
        if _is_check_of(statement, "__name__"):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        imports = [pair for node in ast.walk(statement) for pair in _imports_of(node, module.package)]
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            imports = []  # those inside belong to the definition
        module.imported.update(imports)
        names = _names_bound_by(statement)
        for name in names:
            module.bound.setdefault(name, []).append(statement)
        if not names and not imports and not isinstance(statement, ast.Pass):
            module.effects.append(statement)


def parse_module(name: str, source: str, *, is_package: bool = False) -> _Module:
    """Read the top level of a module from its source."""
    module = _Module(name, name if is_package else name.rpartition(".")[0])
    _read_statements(module, ast.parse(source).body)
    return module


_parsed = cache(parse_module)


@cache
def _module(name: str) -> _Module:
    source = _module_source(name)
    if source is None:
        raise ValueError(f"module must be one of the package {PACKAGE!r}, got {name!r}")
    return _parsed(name, source[0], is_package=source[1])


# What a definition is and where its names lead


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if documented and isinstance(first.value.value, str) else body  # type: ignore[union-attr]


def _canonical(node: object) -> str:
    """Text of a syntax tree that is the same in every version of Python, without what cannot change a number.

    Left out are layout, comments, docstrings, annotations of functions, and import statements, for what a name leads to
    counts by itself.
    """
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return ""
    if isinstance(node, ast.AST):
        skipped = {"ctx", "kind", "type_comment", "type_params"}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.arg):
            skipped |= {"returns", "annotation"}
        parts = []
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(value, list):
                value = _without_docstring(value)
            if name not in skipped and value is not None and value != []:
                parts.append(f"{name}={_canonical(value)}")
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{';'.join(filter(None, map(_canonical, node)))}]"
    return repr(node)


class _References(ast.NodeVisitor):
    """Collects the names that a statement uses, each with the attributes that are taken from it."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.found: set[tuple[str, ...]] = set()
        self.imported: dict[str, Imported] = {}
        self.modules: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        self.found.add((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        attributes, value = [node.attr], node.value
        while isinstance(value, ast.Attribute):
            attributes.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self.found.add((value.id, *reversed(attributes)))
        else:
            self.visit(value)

    def visit_Import(self, node: ast.Import) -> None:
        self.imported.update(_imports_of(node, self.package))

    visit_ImportFrom = visit_Import  # type: ignore[assignment]  # noqa: N815

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == "import_module" and node.args and isinstance(node.args[0], ast.Constant):
            self.modules.add(str(node.args[0].value))
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        """Pass over the annotation of an argument."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.decorator_list, node.args, *node.body):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords, *node.body):
            self.visit(part)
            if node.bases and isinstance(part, ast.AnnAssign):  # models that check their fields by annotation
                self.visit(part.annotation)


def _all_of(module: str) -> Iterator[Target]:
    if _is_boundary(module):
        return
    read = _module(module)
    for name in read.bound:
        if name != "__all__":
            yield Definition(module, name)
    for imported in read.imported.values():
        if imported.name is not None:
            yield from _follow(imported.module, (imported.name,))


def _follow(module: str, attributes: tuple[str, ...]) -> Iterator[Target]:
    """Where attributes of a module lead; all that the module binds, where that cannot be told."""
    if not _is_inside(module):
        yield ".".join([module, *attributes])
        return
    if not _exists(module):
        return
    if not attributes:
        yield from _all_of(module)
        return
    read, first, rest = _module(module), attributes[0], attributes[1:]
    if first in read.bound:
        yield Definition(module, first)
    elif first in read.imported:
        imported = read.imported[first]
        yield from _follow(imported.module, (*([imported.name] if imported.name else []), *rest))
    elif _exists(f"{module}.{first}"):
        yield from _follow(f"{module}.{first}", rest)
    elif "*" in read.imported:
        yield from _follow(read.imported["*"].module, attributes)
    elif not first.startswith("__"):
        yield from _all_of(module)


def _references(module: _Module, statements: Iterable[ast.AST]) -> _References:
    references = _References(module.package)
    for statement in statements:
        references.visit(statement)
    return references


def _targets(module: _Module, references: _References) -> dict[str, list[Target]]:
    """Names that statements of a module use and that lead out of them, with the definitions they lead to."""
    found: dict[str, list[Target]] = {}
    for root, *attributes in sorted(references.found):
        imported = references.imported.get(root) or module.imported.get(root)
        if module.name and root in module.bound and root not in references.imported:
            found.setdefault(root, []).append(Definition(module.name, root))
        elif imported is not None:
            way = (*([imported.name] if imported.name else []), *attributes)
            found.setdefault(".".join([root, *attributes]), []).extend(_follow(imported.module, way))
    for name in sorted(references.modules):
        found[name] = list(_follow(name, ()))
    return found


def _look_at(module: _Module, name: str) -> tuple[str, _References]:
    """Text of a definition and the names it uses. Behind a boundary only what a function returns is looked at."""
    if name not in module.looked_at:
        statements: list[ast.AST] = [*module.bound[name]]
        if _is_boundary(module.name):
            returned = [node.returns for node in statements if isinstance(node, ast.FunctionDef) and node.returns]
            module.looked_at[name] = ("", _references(module, returned))
        else:
            statements += module.effects
            module.looked_at[name] = (_canonical(statements), _references(module, statements))
    return module.looked_at[name]


@cache
def _defined(definition: Definition) -> tuple[str, dict[str, list[Target]]]:
    """Text of a definition and where its names lead."""
    module = _module(definition.module)
    text, references = _look_at(module, definition.name)
    return text, _targets(module, references)


@dataclass(frozen=True)
class Dependence:
    """What some code depends on.

    Attributes
    ----------
    definitions : frozenset of Definition
        Definitions of this package that it reaches.
    libraries : frozenset of str
        Names under which it imports libraries outside the standard one, those of :data:`UNCOUNTED` left out.
    digest : str
        Hash of the text of all definitions and of what their names lead to, without the versions of the libraries: 64
        hexadecimal digits.
    """

    definitions: frozenset[Definition]
    libraries: frozenset[str]
    digest: str


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _dependence(roots: Mapping[str, tuple[str, dict[str, list[Target]]]]) -> Dependence:
    nodes: dict[Target, tuple[str, dict[str, list[Target]]]] = {name: roots[name] for name in roots}
    waiting = [target for _, names in roots.values() for targets in names.values() for target in targets]
    outside: set[str] = set()
    while waiting:
        target = waiting.pop()
        if isinstance(target, str):
            outside.add(target)
        elif target not in nodes:
            nodes[target] = _defined(target)
            waiting.extend(found for targets in nodes[target][1].values() for found in targets)
    # Where the names lead, not what the modules are called, tells two definitions apart.
    digests = {key: _hash(text) for key, (text, _) in nodes.items()}
    for _ in range(ROUNDS):
        digests = {
            key: _hash(
                digests[key],
                *(
                    f"{name} {digests.get(target, target)}"
                    for name, targets in sorted(names.items())
                    for target in sorted(targets, key=lambda found: str(digests.get(found, found)))
                ),
            )
            for key, (_, names) in nodes.items()
        }
    libraries = {name.partition(".")[0] for name in outside} - set(sys.stdlib_module_names) - UNCOUNTED
    return Dependence(
        frozenset(key for key in nodes if isinstance(key, Definition)),
        frozenset(libraries),
        _hash(*sorted(digests.values()), *(digests[root] for root in sorted(roots))),
    )


def dependence(names: Iterable[str]) -> Dependence:
    """Follow functions or classes of this package to all they depend on.

    Parameters
    ----------
    names : iterable of str
        ``module.name`` of functions, classes and constants, or the names of whole modules.

    Raises
    ------
    ValueError
        If there is no such module or name.
    """
    wanted = tuple(dict.fromkeys(names))
    return _dependence_of(wanted)


@cache
def _dependence_of(names: tuple[str, ...]) -> Dependence:
    roots = {}
    for name in names:
        module, _, short = name.rpartition(".")
        if _exists(name):
            targets = list(_all_of(name))
        elif _exists(module) and (short in _module(module).bound or short in _module(module).imported):
            targets = list(_follow(module, (short,)))
        else:
            raise ValueError(f"names must be modules of the package {PACKAGE!r} or what they define, got {name!r}")
        roots[name] = ("", {name: targets})
    return _dependence({name: roots[name] for name in sorted(roots)})


def dependence_of_source(source: str) -> Dependence:
    """Follow the names of a Python text that is no module of this package, for example the code of a notebook.

    Raises
    ------
    SyntaxError
        If it is no Python.
    """
    module = parse_module("", source)
    # all of it counts: what it binds, what it does, and where its names lead
    tree = ast.parse(source)
    return _dependence({"": (_canonical(tree.body), _targets(module, _references(module, tree.body)))})


@cache
def library_version(library: str) -> str | None:
    """Version of a library by the name of its import, without a local part such as ``+cpu``; None if not installed."""
    for distribution in DISTRIBUTIONS.get(library, (library,)):
        try:
            return importlib.metadata.version(distribution).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def hash_with_libraries(found: Dependence) -> str:
    """Hash of what some code depends on, the versions of the libraries that it imports included."""
    return _hash(found.digest, *(f"{library}=={library_version(library)}" for library in sorted(found.libraries)))


def code_hash(names: Iterable[str]) -> str:
    """Hash of functions or modules of this package, of all they use of it, and of the libraries these import.

    Parameters
    ----------
    names : iterable of str
        As in :func:`dependence`.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ValueError
        If there is no such module or name.
    """
    return hash_with_libraries(dependence(names))


@cache
def function_hash(function: Callable[..., object], *further: str) -> str:
    """Hash of the code that a function runs, with further texts that count.

    A function of this package counts with all it uses from the package, and with the class of the cell that running
    hands to it; one of the user's own module with the source of the whole module and all that this uses.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module.
    *further : str
        What else tells two results apart, for example the columns of the table.

    Raises
    ------
    ValueError
        If the function is in no module that a worker could import, or not at the top level of one of this package.
    """
    module, name = function.__module__, function.__qualname__
    cell = code_hash(["repro.protocol.experiment.Cell"])
    if _is_inside(module):
        return _hash(code_hash([f"{module}.{name}"]), cell, *further)
    path = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or path is None:
        raise ValueError(f"compute must be a function of an importable module, got {name} of {module}")
    found = dependence_of_source(Path(path).read_text(encoding="utf-8"))
    return _hash(hash_with_libraries(found), name, cell, *further)


def forget() -> None:
    """Read the modules of this package anew; needed only where their files change while this process runs."""
    for known in (_exists, _module, _defined, _dependence_of, function_hash, library_version):
        known.cache_clear()
