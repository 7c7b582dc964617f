"""Converters: from the bytes of a data set's files to a table. Every route of a data set gives the same table."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from repro.data.dataset import Dataset, Table
from repro.data.r_data import read_data_frame

PREDIABETES_PREDICTORS: Final = ("Age", "Sex", "IMD_Decile", "BMI", "HbA1C")
"""The predictors among the raw columns of ``prediabetes``."""

ADULT_COLUMNS: Final = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)

FOREST_COVER_COLUMNS: Final = (
    "elevation",
    "aspect",
    "slope",
    "horizontal_distance_to_hydrology",
    "vertical_distance_to_hydrology",
    "horizontal_distance_to_roadways",
    "hillshade_9am",
    "hillshade_noon",
    "hillshade_3pm",
    "horizontal_distance_to_fire_points",
    *(f"wilderness_area_{number}" for number in range(1, 5)),
    *(f"soil_type_{number}" for number in range(1, 41)),
)

SOUP_LEVELS: Final[Mapping[str, Sequence[str]]] = {
    "PROD": ("Ref", "Test"),
    "PRODID": ("1", "2", "3", "4", "5", "6"),
    "DAY": ("1", "2"),
    "SOUPTYPE": ("Self-made", "Canned", "Dry-mix"),
    "SOUPFREQ": (">1/week", "1-4/month", "<1/month"),
    "COLD": ("No", "Yes"),
    "EASY": ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
    "GENDER": ("Male", "Female"),
    "AGEGROUP": ("18-30", "31-40", "41-50", "51-65"),
    "LOCATION": ("Region 1", "Region 2", "Region 3"),
}
"""Levels of the nominal columns of ``soup``; the first one is the baseline of a dummy coding."""

LSAC_COLUMNS: Final = (
    "age",
    "decile1",
    "decile3",
    "fam_inc",
    "lsat",
    "ugpa",
    "cluster",
    "fulltime",
    "male",
    "race1",
    "pass_bar",
)

LSAC_RACES: Final[Mapping[int, str]] = {0: "White", 3: "Black"}
"""Names of the codes of ``race1`` that are known."""


def nominal(column: pd.Series[Any], levels: Sequence[Any] | None = None, *, ordered: bool = False) -> pd.Series[Any]:
    """Turn a column into a category, with sorted levels where none are given.

    Raises
    ------
    ValueError
        If the column holds a value that is not among `levels`.
    """
    if levels is None:
        levels = sorted(column.dropna().unique())
    unknown = set(column.dropna().unique()) - set(levels)
    if unknown:
        raise ValueError(f"column {column.name!r} holds {sorted(unknown)[:3]}, allowed are {list(levels)}")
    return column.astype(pd.CategoricalDtype(list(levels), ordered=ordered))


def nominal_where_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the columns that are not numeric into categories."""
    return frame.assign(
        **{
            str(name): nominal(frame[name])
            for name in frame.columns
            if not pd.api.types.is_numeric_dtype(frame[name].dtype)
        }
    )


def _exact_floats(column: pd.Series[Any]) -> pd.Series[Any]:
    """Turn text into ``float64`` by Python's own parser, which is exact with every release of pandas."""
    return pd.Series(column.to_numpy(dtype=object).astype(np.float64), index=column.index, name=column.name)


def _read_csv(content: bytes, **options: Any) -> pd.DataFrame:
    options = {"skipinitialspace": True, "na_filter": False, **options}
    frame: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options)
    floats = list(frame.select_dtypes("float64").columns)
    if floats:
        texts: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options, usecols=floats, dtype=str)
        frame[floats] = texts.apply(_exact_floats)
    return frame


def delimited(contents: Sequence[bytes], *, columns: Sequence[str], quotechar: str = '"') -> Table:
    """Read a CSV without header whose last column is the label.

    Parameters
    ----------
    contents : sequence of bytes
        One file.
    columns : sequence of str
        Column names; the last one is the label.
    quotechar : str
        Character around quoted fields.
    """
    frame = _read_csv(contents[0], header=None, quotechar=quotechar)
    if frame.shape[1] != len(columns):
        raise ValueError(f"expected {len(columns)} columns, found {frame.shape[1]}")
    frame.columns = pd.Index(columns)
    return Table(frame[list(columns[:-1])], frame[columns[-1]])


def _one_against_rest(frame: pd.DataFrame, label: int, names: tuple[str, str]) -> Table:
    """Take the last column as the class: `label` becomes the first of `names`, every other one the second."""
    found = frame.iloc[:, -1]
    target = pd.Series(np.where(found == label, *names), index=frame.index, name="class")
    return Table(frame.iloc[:, :-1].copy(), nominal(target, sorted(names)))


def satimage(contents: Sequence[bytes]) -> Table:
    """Statlog Landsat: training rows, then test rows; class 4, damp grey soil, against the five others together.

    The columns are the four spectral bands of the nine pixels of a 3 x 3 neighbourhood, row by row from the top left;
    the class is that of pixel 5, in the middle.
    """
    names = [f"pixel_{pixel}_band_{band}" for pixel in range(1, 10) for band in range(1, 5)]
    parts = [_read_csv(content, header=None, sep=" ") for content in contents]
    frame = pd.concat(parts, ignore_index=True)
    if frame.shape[1] != len(names) + 1:
        raise ValueError(f"expected {len(names) + 1} columns, found {frame.shape[1]}")
    frame.columns = pd.Index([*names, "class"])
    return _one_against_rest(frame, 4, ("damp grey soil", "other"))


def forest_cover(contents: Sequence[bytes]) -> Table:
    """Covertype: the rows of Ponderosa pine (class 3) and of Cottonwood/Willow (class 4), all 54 columns as numbers."""
    frame = _read_csv(contents[0], header=None)
    if frame.shape[1] != len(FOREST_COVER_COLUMNS) + 1:
        raise ValueError(f"expected {len(FOREST_COVER_COLUMNS) + 1} columns, found {frame.shape[1]}")
    frame.columns = pd.Index([*FOREST_COVER_COLUMNS, "cover_type"])
    kept = frame[frame["cover_type"].isin([3, 4])].reset_index(drop=True)
    return _one_against_rest(kept, 4, ("cottonwood/willow", "ponderosa pine"))


def adult(contents: Sequence[bytes]) -> Table:
    """Adult: training rows, then test rows; ``?`` is a category of its own; groups sex and race."""
    parts = [_read_csv(content, header=None, names=list(ADULT_COLUMNS)) for content in contents]
    frame = nominal_where_text(
        pd.concat(parts, ignore_index=True).assign(income=lambda rows: rows["income"].str.rstrip("."))
    )
    return Table(frame.drop(columns="income"), frame["income"], frame[["sex", "race"]].copy())


def german_credit(contents: Sequence[bytes]) -> Table:
    """German credit: groups sex (A92 and A95 are female) and age group (25 or under, over 25)."""
    frame = nominal_where_text(_read_csv(contents[0]))
    female = frame["personal_status_sex"].isin(["A92", "A95"])
    young = frame["age"] <= 25
    groups = pd.DataFrame(
        {
            "sex": nominal(pd.Series(np.where(female, "female", "male"))),
            "age_group": nominal(pd.Series(np.where(young, "25 or under", "over 25")), ["25 or under", "over 25"]),
        }
    )
    return Table(frame.drop(columns="class"), frame["class"], groups)


def _prediabetes_classes(raw: pd.DataFrame, cutoff: float) -> pd.Series[Any]:
    classes = np.select([raw["Age_Diabetes"] < cutoff, raw["Age_PreDiabetes"] < cutoff], [3, 2], default=1)
    return nominal(pd.Series(classes, index=raw.index, name="response"), [1, 2, 3], ordered=True)


def prediabetes(contents: Sequence[bytes]) -> Table:
    """PreDiabetes: the nine raw columns, and the three-class response at age cutoff 50 as target."""
    raw = _read_csv(contents[0])
    return Table(raw, _prediabetes_classes(raw, 50))


def prediabetes_response(dataset: Dataset, cutoff: float) -> pd.Series[Any]:
    """Three-class response of the PreDiabetes data for an age cutoff.

    Class 3 (diabetes) if ``Age_Diabetes < cutoff``, else class 2 (pre-diabetes) if ``Age_PreDiabetes < cutoff``,
    else class 1. Predictors are :data:`PREDIABETES_PREDICTORS`.

    Parameters
    ----------
    dataset : Dataset
        ``load("prediabetes")``.
    cutoff : float
        Age in years; the paper uses 30, 35, ..., 65.

    Returns
    -------
    pandas.Series of shape (n_rows,)
        Ordered category with the levels 1 < 2 < 3.

    Raises
    ------
    ValueError
        If the data set lacks the diagnosis ages, or the cutoff is not a positive number.

    Examples
    --------
    >>> response = prediabetes_response(load("prediabetes"), 50)
    >>> response.value_counts().sort_index().tolist()
    [2499, 119, 441]
    """
    missing = {"Age_Diabetes", "Age_PreDiabetes"} - set(dataset.features.columns)
    if missing:
        raise ValueError(f"dataset must be load('prediabetes'); {dataset.name!r} has no column {min(missing)!r}")
    if not cutoff > 0:
        raise ValueError(f"cutoff must be a positive age in years, got {cutoff!r}")
    return _prediabetes_classes(dataset.features, cutoff)


def _soup(frame: pd.DataFrame) -> Table:
    features = pd.DataFrame({name: nominal(frame[name], levels) for name, levels in SOUP_LEVELS.items()})
    sureness = nominal(frame["SURENESS"].astype("int64"), [1, 2, 3, 4, 5, 6], ordered=True)
    return Table(features, sureness, pd.DataFrame({"RESP": frame["RESP"].astype("int64")}))


def soup_csv(contents: Sequence[bytes]) -> Table:
    """Soup from the mirror's CSV: ordered target SURENESS, nominal features, respondents as groups."""
    return _soup(_read_csv(contents[0]).astype(str))


def soup_rda(contents: Sequence[bytes]) -> Table:
    """Soup from the R package's ``soup.rda``: the same table as :func:`soup_csv`."""
    return _soup(read_data_frame(contents[0], "soup").astype(str))


def compas(contents: Sequence[bytes], *, target: str) -> Table:
    """COMPAS: one of the three outcomes as target, the others dropped; groups sex and race."""
    frame = _read_csv(contents[0])
    delay = "days_b_screening_arrest"
    frame = nominal_where_text(frame.assign(**{delay: _exact_floats(frame[delay].replace("", "nan"))}))
    outcomes = ["is_recid", "is_violent_recid", "two_year_recid"]
    return Table(frame.drop(columns=outcomes), frame[target], frame[["sex", "race"]].copy())


def lsac(contents: Sequence[bytes]) -> Table:
    """LSAC: whether a student passed the bar; groups sex and race, the races without a known name by their code.

    The public file has a column of row numbers in front, which is left out.
    """
    frame = _read_csv(contents[0])[list(LSAC_COLUMNS)]
    race = frame["race1"].astype("int64")
    groups = pd.DataFrame(
        {
            "sex": nominal(frame["male"].astype("float64").map({0.0: "Female", 1.0: "Male"})),
            "race": nominal(race.map(LSAC_RACES).fillna(race.astype(str))),
        }
    )
    return Table(frame.drop(columns="pass_bar"), frame["pass_bar"].astype("float64").astype("int64"), groups)


_ATTRIBUTE = re.compile(r"@attribute\s+(?P<name>\S+?)\s*(?P<type>\{.*\}|real|integer|numeric)", re.IGNORECASE)


def keel(contents: Sequence[bytes]) -> Table:
    """Read the KEEL text format.

    Header lines start with ``@``; ``@attribute`` gives name and type of a column. Nominal columns become categories
    in the declared order (values that do not occur are left out), ``<null>`` is a missing number, the last column is
    the label.
    """
    lines = [line.strip() for line in contents[0].decode("utf-8").splitlines()]
    declared = [match for line in lines if (match := _ATTRIBUTE.match(line))]
    rows = [[field.strip() for field in line.split(",")] for line in lines if line and not line.startswith("@")]
    if not declared or any(len(row) != len(declared) for row in rows):
        raise ValueError(f"rows do not have the {len(declared)} columns that the header declares")
    columns: dict[str, pd.Series[Any]] = {}
    for position, attribute in enumerate(declared):
        name, kind = attribute["name"], attribute["type"]
        column = pd.Series([row[position] for row in rows], name=name, dtype=object)
        if kind.startswith("{"):
            levels = [level.strip() for level in kind.strip("{}").split(",")]
            present = set(column)
            columns[name] = nominal(column, [level for level in levels if level in present])
        else:
            numbers = _exact_floats(column.where(column != "<null>", "nan"))
            whole = kind.lower() == "integer" and not numbers.isna().any()
            columns[name] = numbers.astype("int64") if whole else numbers
    *features, label = columns
    return Table(pd.DataFrame({name: columns[name] for name in features}), columns[label])


def scikit_learn(contents: Sequence[bytes], *, loader: str) -> Table:
    """Take a table from scikit-learn; classes with names are called by them."""
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, loader)(as_frame=True)
    features: pd.DataFrame = bunch.data
    if loader == "load_digits":
        features = features.astype("int64")
        return Table(features, bunch.target.astype("int64"))
    labels = pd.Series(np.asarray(bunch.target_names, dtype=object)[bunch.target.to_numpy()], name="target")
    return Table(features.astype("float64"), nominal(labels))


CONVERTERS: Final[Mapping[str, Callable[..., Table]]] = {
    converter.__name__: converter
    for converter in (
        delimited,
        satimage,
        forest_cover,
        adult,
        german_credit,
        prediabetes,
        soup_csv,
        soup_rda,
        compas,
        lsac,
        keel,
        scikit_learn,
    )
}
"""Converters by the name that the registry uses."""
