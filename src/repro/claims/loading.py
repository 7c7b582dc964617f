"""Reading ``claims.yml``: every problem is named by file, line and key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from repro import studies
from repro.ground import files
from repro.ground.exceptions import ClaimFileError, UnknownName
from repro.protocol import used
from repro.protocol.claim import Claim, Criterion, Part, Quantity
from repro.protocol.experiment import Experiment

Location = Sequence[str | int]
Problem = tuple[int, str, str]  # line, dotted key, message


def _key_text(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _entry(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Key node and value node that `step` leads to; for a list both are the item."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _locate(claim: yaml.Node, location: Location) -> tuple[int, list[str | int]]:
    """Line of the deepest key of `location` that is written in the file, and the way to it."""
    node, line, way = claim, claim.start_mark.line + 1, list[str | int]()
    for step in location:
        entry = _entry(node, step)
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
        way.append(step)
    return line, way


def _model_at(location: Location) -> type[BaseModel] | None:
    """Model whose keys are allowed at `location`."""
    names = tuple("*" if isinstance(step, int) else step for step in location)
    models: dict[tuple[str, ...], type[BaseModel]] = {
        (): Claim,
        ("criterion",): Criterion,
        ("quantity",): Quantity,
        ("quantity", "parts", "*"): Part,
        ("quantity", "parts", "*", "criterion"): Criterion,
    }
    return models.get(names)


def _repeated_keys(node: yaml.Node, way: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in first:
                yield line, _key_text([*way, name]), f"given twice, first in line {first[name]}"
            first.setdefault(name, line)
            yield from _repeated_keys(value, (*way, name))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _repeated_keys(value, (*way, position))


def _suggestion(found: object, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(found), allowed, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _schema_problems(node: yaml.Node, error: ValidationError) -> Iterator[Problem]:
    for problem in error.errors():
        line, way = _locate(node, problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if problem["type"] == "missing":
            yield line, _key_text([*way, problem["loc"][-1]]), "is required"
        elif problem["type"] == "extra_forbidden":
            model = _model_at(way[:-1])
            allowed = list(model.model_fields) if model else []
            hint = _suggestion(way[-1], allowed) or f"; allowed: {', '.join(allowed)}"
            yield line, _key_text(way), f"is no key of this place{hint}"
        elif isinstance(problem["input"], str | int | float | bool | None):
            expected = str(problem.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
            hint = _suggestion(problem["input"], expected.split(", "))
            yield line, _key_text(way), f"{message}, found {problem['input']!r}{hint}"
        else:
            yield line, _key_text(way), message


@lru_cache(maxsize=4)
def _keys_of(path: Path, modified: int) -> tuple[str, ...]:
    return tuple(re.findall(r"^\s*@\w+\{\s*([^,\s]+)\s*,", path.read_text(encoding="utf-8"), re.MULTILINE))


def _papers() -> tuple[str, ...]:
    """Papers that a claim may name, ``book`` among them; empty without a bibliography, as in an installed package."""
    root = files.project_root()
    path = root / "book" / "references.bib" if root else None
    return ("book", *_keys_of(path, path.stat().st_mtime_ns)) if path and path.is_file() else ()


def _reference_problems(
    node: yaml.Node, claim: Claim, study: str | None, experiments: Mapping[str, Experiment] | None
) -> Iterator[Problem]:
    """Problems with names that a claim refers to."""

    def problem(location: Location, message: object) -> Problem:
        line, way = _locate(node, location)
        return line, _key_text(way), str(message)

    papers = _papers()
    if papers and claim.paper not in papers:
        yield problem(["paper"], UnknownName("key of book/references.bib", claim.paper, papers))
    if study is not None and claim.study != study:
        yield problem(["id"], f"claim {claim.id!r} lies in the folder of study {study!r}")
        return
    try:
        experiment = studies.experiment(claim.experiment) if experiments is None else experiments[claim.experiment]
    except UnknownName as error:
        yield problem(["experiment"], error)
        return
    except KeyError:
        yield problem(["experiment"], UnknownName("experiment", claim.experiment, experiments or ()))
        return
    if claim.control not in experiment.variants:
        yield problem(["control"], UnknownName(f"variant of {experiment.name}", claim.control, experiment.variants))
    for profile in claim.profiles:
        if profile not in experiment.profiles:
            yield problem(
                ["profiles", profile], UnknownName(f"profile of {experiment.name}", profile, experiment.profiles)
            )
    for location, column in _columns(claim):
        if column not in experiment.settings:
            yield problem(location, UnknownName(f"setting column of {experiment.name}", column, experiment.settings))
    criteria = {claim.criterion.kind, *(part.criterion.kind for part in claim.quantity.parts if part.criterion)}
    if "within" in criteria and all(entry.source == "recalled" for entry in claim.published):
        yield problem(["published"], "criterion 'within' needs a published value that was read or measured in a figure")
    contrasted = claim.quantity.contrast or any(part.contrast for part in claim.quantity.parts)
    if claim.quantity.scale == "log_ratio" and not (contrasted or claim.quantity.order):
        yield problem(["quantity", "scale"], "'log_ratio' requires a contrast or an order")


def _columns(claim: Claim) -> Iterator[tuple[list[str | int], str]]:
    """Yield the setting columns that a claim names, with the place where it does."""
    quantity = claim.quantity
    compared = quantity.contrast or quantity.order or any(part.contrast for part in quantity.parts)
    if compared:
        yield ["quantity", "column"], quantity.column
    conditions = quantity.conditions
    for column in [conditions] if isinstance(conditions, str) else conditions or ():
        yield ["quantity", "conditions"], column
    for column in quantity.where:
        yield ["quantity", "where", column], column
    for position, part in enumerate(quantity.parts):
        for column in part.where:
            yield ["quantity", "parts", position, "where", column], column


def parse_yaml(path: Path) -> tuple[yaml.Node | None, Any]:
    """Nodes and content of a YAML file; both None where it is empty.

    Raises
    ------
    ClaimFileError
        If there is no such file, or it is no valid UTF-8 or YAML; the message names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ClaimFileError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise ClaimFileError(f"{path}: not UTF-8; {error}") from error
    loader = yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ClaimFileError(f"{path}:{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ClaimFileError(f"{path}:1: not valid YAML: {error}") from error


def load_claims(
    path: Path, *, study: str | None = None, experiments: Mapping[str, Experiment] | None = None
) -> tuple[Claim, ...]:
    """Read the claims of a file and check all they refer to.

    Parameters
    ----------
    path : pathlib.Path
        YAML file: a list of claims.
    study : str or None
        Study that every claim must belong to; None for any.
    experiments : mapping of str to Experiment or None
        Experiments that claims may name; None takes the registered ones.

    Returns
    -------
    tuple of Claim
        In the order of the file.

    Raises
    ------
    ClaimFileError
        If anything is wrong: one line for each problem, ``file:line: key 'criterion.kind': …``.
    """
    root, content = parse_yaml(path)
    if root is None:
        return ()
    if not isinstance(root, yaml.SequenceNode):
        raise ClaimFileError(f"{path}:{root.start_mark.line + 1}: the file must hold a list of claims")
    problems: list[Problem] = []
    claims: list[Claim] = []
    lines: dict[str, int] = {}
    for node, entry in zip(root.value, content, strict=True):
        problems.extend(_repeated_keys(node))
        if not isinstance(entry, dict):
            problems.append((node.start_mark.line + 1, "", "a claim must be a mapping of keys to values"))
            continue
        try:
            claim = Claim.model_validate(entry)
        except ValidationError as error:
            problems.extend(_schema_problems(node, error))
            continue
        line, _ = _locate(node, ["id"])
        if claim.id in lines:
            problems.append((line, "id", f"claim {claim.id!r} is already defined in line {lines[claim.id]}"))
        lines.setdefault(claim.id, line)
        problems.extend(_reference_problems(node, claim, study, experiments))
        claims.append(claim)
    if problems:
        raise ClaimFileError(
            "\n".join(
                f"{path}:{line}: {f'key {key!r}: ' if key else ''}{message}"
                for line, key, message in dict.fromkeys(sorted(problems))
            )
        )
    return tuple(claims)


@lru_cache(maxsize=256)
def _load_once(study: str, path: Path, modified: int, size: int) -> tuple[Claim, ...]:
    return load_claims(path, study=study)


def _claims_of(study: str) -> dict[str, Claim]:
    path = studies.claims_path(study)
    if not path.is_file():
        raise ClaimFileError(f"{path}: no such file")
    status = path.stat()
    return {claim.id: claim for claim in _load_once(study, path, status.st_mtime_ns, status.st_size)}


def all_claims(study: str | None = None) -> dict[str, Claim]:
    """Claims of a study, or of all, by id, in the order of their files.

    Raises
    ------
    UnknownName
        If there is no such study.
    ClaimFileError
        If a file is malformed.
    """
    claims: dict[str, Claim] = {}
    for name in studies.study_names() if study is None else [study]:
        claims |= _claims_of(name)
        used.note("claims", name)
    return claims


def find_claim(identifier: str) -> Claim:
    """Claim of the given id.

    Raises
    ------
    UnknownName
        If there is none; the message suggests the nearest.
    """
    study = identifier.partition("-")[0]
    known = studies.study_names()
    claims = {
        name: claim for each in ([study] if study in known else known) for name, claim in _claims_of(each).items()
    }
    if identifier not in claims:
        raise UnknownName("claim", identifier, claims)
    used.note("claim", identifier)
    return claims[identifier]
