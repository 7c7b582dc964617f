from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_helpers import BUNDLED, EMBEDDED, MIRRORED

from repro.data import PREDIABETES_PREDICTORS, load, loading, prediabetes_response
from repro.data.registry import TableEntry, entry
from repro.data.tables import forest_cover, keel
from repro.data.tables import lsac as lsac_table
from repro.ground.exceptions import IntegrityError, UnknownName


def assert_as_registered(name: str) -> None:
    dataset, registered = load(name), entry(name)
    assert isinstance(registered, TableEntry)
    assert dataset.features.shape == (registered.rows, registered.features)
    assert {str(label): count for label, count in dataset.metadata.class_counts.items()} == registered.class_counts
    kinds = [column.dtype for _, column in dataset.features.items()]
    assert sum(isinstance(kind, pd.CategoricalDtype) for kind in kinds) == registered.nominal
    assert all(isinstance(kind, pd.CategoricalDtype) or kind in (np.int64, np.float64) for kind in kinds)
    assert len(dataset.target) == registered.rows
    assert dataset.metadata.checksum == registered.checksum
    if dataset.positive is not None:
        assert int(dataset.is_positive.sum()) == registered.class_counts[str(dataset.positive)]


@pytest.mark.parametrize("name", [*EMBEDDED, *BUNDLED])
def test_a_set_that_needs_no_download_is_as_registered(name: str) -> None:
    assert_as_registered(name)


@pytest.mark.mirror
@pytest.mark.parametrize("name", MIRRORED)
def test_a_mirrored_set_is_as_registered(name: str, mirror: Path) -> None:
    assert_as_registered(name)


def test_there_are_102_keel_sets() -> None:
    assert sum(name.startswith("keel/") for name in MIRRORED) == 102


def test_adult_keeps_all_rows_and_makes_the_question_mark_a_category() -> None:
    adult = load("adult")
    # counts printed in the SMOTE paper, which keeps the rows with unknown values
    assert adult.metadata.class_counts == {"<=50K": 37155, ">50K": 11687}
    unknown = (adult.features[["workclass", "occupation", "native-country"]] == "?").any(axis=1)
    assert int(unknown.sum()) == 3620
    assert adult.is_positive[~unknown].sum() == 11208
    assert not adult.features.isna().any().any()
    continuous = list(adult.features.select_dtypes("int64"))
    assert continuous == ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]


def test_adult_has_training_rows_before_test_rows() -> None:
    adult = load("adult")
    # first rows of the two official files
    assert adult.features.loc[0, ["age", "fnlwgt", "sex"]].tolist() == [39, 77516, "Male"]
    assert adult.features.loc[32561, ["age", "fnlwgt", "sex"]].tolist() == [25, 226802, "Male"]
    assert adult.groups is not None
    training = adult.groups.loc[:32560, "race"]
    assert int(training.isin(["White", "Black"]).sum()) == 30940  # number used by the AUROC/AUPRC paper's code


def test_german_credit_groups_have_the_known_prevalences() -> None:
    german = load("german_credit")
    assert german.groups is not None
    table = {
        (column, label): (len(rows), int(german.is_positive[rows.index].sum()))
        for column in german.groups
        for label, rows in german.groups.groupby(column, observed=True)
    }
    assert table == {
        ("sex", "female"): (310, 109),
        ("sex", "male"): (690, 191),
        ("age_group", "25 or under"): (190, 80),
        ("age_group", "over 25"): (810, 220),
    }


@pytest.mark.parametrize(
    ("cutoff", "counts"),
    [
        (30, [3020, 11, 28]),
        (35, [2980, 16, 63]),
        (40, [2900, 37, 122]),
        (45, [2748, 75, 236]),
        (50, [2499, 119, 441]),
        (55, [2123, 154, 782]),
        (60, [1719, 175, 1165]),
        (65, [1336, 165, 1558]),
    ],
)
def test_prediabetes_response_has_the_known_counts(cutoff: int, counts: list[int]) -> None:
    response = prediabetes_response(load("prediabetes"), cutoff)
    assert response.value_counts().sort_index().tolist() == counts
    assert response.cat.ordered


def test_prediabetes_comes_with_its_raw_columns_and_the_response_at_50() -> None:
    dataset = load("prediabetes")
    assert set(PREDIABETES_PREDICTORS) < set(dataset.features.columns)
    pd.testing.assert_series_equal(dataset.target, prediabetes_response(dataset, 50))


def test_prediabetes_response_refuses_other_data_and_cutoffs() -> None:
    with pytest.raises(ValueError, match="Age_Diabetes"):
        prediabetes_response(load("iris"), 50)
    with pytest.raises(ValueError, match="cutoff must be a positive age"):
        prediabetes_response(load("prediabetes"), float("nan"))


def test_breast_cancer_names_malignant_as_positive() -> None:
    dataset = load("breast_cancer")
    assert dataset.positive == "malignant"
    assert int(dataset.is_positive.sum()) == 212


def test_a_set_without_positive_class_says_so() -> None:
    with pytest.raises(ValueError, match=r"'iris' has no positive class; its labels are .*setosa"):
        _ = load("iris").is_positive


@pytest.mark.mirror
def test_pima_leaves_the_zeros_that_stand_for_not_measured(mirror: Path) -> None:
    features = load("pima").features
    zeros = (features == 0).sum()
    columns = ["glucose", "blood_pressure", "skin_thickness", "insulin", "body_mass_index"]
    assert zeros[columns].tolist() == [5, 35, 227, 374, 11]


@pytest.mark.mirror
def test_mammography_reports_its_repeated_rows(mirror: Path) -> None:
    dataset = load("mammography")
    assert dataset.target.dtype == np.int64
    assert dataset.metadata.class_counts == {-1: 10923, 1: 260}
    assert dataset.metadata.repeated_rows == 3334
    rows = dataset.features.assign(label=dataset.target)
    assert int(rows.duplicated()[dataset.is_positive].sum()) == 6
    assert load("phoneme").metadata.repeated_rows == 55


@pytest.mark.mirror
def test_soup_has_the_known_class_shares_and_level_order(mirror: Path) -> None:
    soup = load("soup")
    shares = soup.target.value_counts(normalize=True).sort_index().round(5).tolist()
    assert shares == [0.12344, 0.14077, 0.06226, 0.05306, 0.14997, 0.47049]
    assert soup.groups is not None
    assert soup.groups["RESP"].nunique() == 185
    assert soup.features["SOUPTYPE"].cat.categories.tolist() == ["Self-made", "Canned", "Dry-mix"]
    predictors = soup.features.drop(columns="PRODID")
    assert pd.get_dummies(predictors, drop_first=True).shape[1] == 22  # dummy columns of the paper's model


@pytest.mark.mirror
def test_compas_groups_have_the_known_prevalences(mirror: Path) -> None:
    compas = load("compas")
    assert compas.groups is not None
    kept = compas.groups["race"].isin(["African-American", "Caucasian"]).to_numpy()
    assert int(kept.sum()) == 6150
    sex = compas.groups["sex"].to_numpy()
    found = {label: int(compas.is_positive[kept & (sex == label)].sum()) for label in ("Female", "Male")}
    assert found == {"Female": 474, "Male": 2587}
    assert load("compas_violent").metadata.class_counts == {0: 6395, 1: 819}
    assert load("compas_two_year").metadata.class_counts == {0: 3963, 1: 3251}
    assert not set(compas.features) & {"is_recid", "two_year_recid", "is_violent_recid", "name", "dob"}


@pytest.mark.mirror
def test_lsac_groups_have_the_known_sizes_and_the_majority_passes(mirror: Path) -> None:
    # rows and positives of each group were counted independently when the mirror was made
    lsac = load("lsac")
    assert lsac.groups is not None
    assert lsac.metadata.class_counts == {0: 1038, 1: 19389}
    kept = lsac.groups["race"].isin(["White", "Black"]).to_numpy()
    found = {
        label: (int(rows.sum()), int(lsac.is_positive[rows].sum()))
        for attribute in ("race", "sex")
        for label in lsac.groups.loc[kept, attribute].unique()
        for rows in [kept & (lsac.groups[attribute] == label).to_numpy()]
    }
    assert found == {
        "White": (17139, 16579),
        "Black": (1198, 932),
        "Female": (7953, 7537),
        "Male": (10384, 9974),
    }
    assert (lsac.features["age"] < 0).all()
    assert set(lsac.groups["race"]) == {"White", "Black", "1", "2", "4"}


@pytest.mark.mirror
def test_lsac_as_it_was_published_gives_the_table_of_the_mirror(mirror: Path) -> None:
    """The public file has a column of row numbers without a name, and other columns may come."""
    frame = pd.read_csv(mirror / "lsac" / "lsac.csv.gz", dtype=str, keep_default_na=False)
    published = frame.set_axis(pd.Index(np.arange(len(frame)), name="")).to_csv().encode()
    again = lsac_table([published])
    ours = load("lsac")
    pd.testing.assert_frame_equal(again.features, ours.features)
    pd.testing.assert_series_equal(again.target, ours.target)


@pytest.mark.mirror
def test_keel_repeated_rows_and_missing_values_are_reported(mirror: Path) -> None:
    # numbers of repeated rows were counted independently when the mirror was made
    for name, repeated in [("flare-F", 760), ("zoo-3", 42), ("kddcup-land_vs_satan", 685), ("ecoli1", 0)]:
        assert load(f"keel/{name}").metadata.repeated_rows == repeated, name
    cleveland = load("keel/cleveland-0_vs_4")
    assert cleveland.metadata.missing_values == {"ca": 3, "thal": 1}
    coded = load("keel/cleveland-0_vs_4_no_null")
    assert coded.metadata.missing_values == {}
    pd.testing.assert_frame_equal(cleveland.features.fillna(-1.0), coded.features)
    assert any("coded as -1" in trap for trap in coded.metadata.traps)


@pytest.mark.mirror
def test_keel_pima_is_the_table_pima(mirror: Path) -> None:
    ours, theirs = load("pima"), load("keel/pima")
    np.testing.assert_array_equal(ours.features.to_numpy(float), theirs.features.to_numpy(float))
    np.testing.assert_array_equal(ours.is_positive, theirs.is_positive)


def test_the_keel_reader_takes_types_from_the_header() -> None:
    text = (
        b"@relation toy\n@attribute Colour {red, green, blue}\n@attribute Size real [0.0, 1.0]\n"
        b"@attribute Count integer [0, 9]\n@attribute Class {positive, negative}   \n@inputs Colour, Size, Count\n"
        b"@data\nblue, 0.50, 3, negative\nred, <null>, 4, positive"
    )
    table = keel([text])
    assert table.features["Colour"].cat.categories.tolist() == ["red", "blue"]
    assert table.features["Size"].isna().tolist() == [False, True]
    assert table.features["Count"].dtype == np.int64
    assert table.target.tolist() == ["negative", "positive"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"@attribute a real\n@attribute c {x,y}\n@data\n1.0,x,2\n", "rows do not have the 2 columns"),
        (b"@attribute a real\n@attribute c {x,y}\n@data\n1.0,z\n", r"holds \['z'\], allowed are"),
        (b"a,b\n1,2\n", "rows do not have the 0 columns"),
    ],
)
def test_the_keel_reader_refuses_rows_that_do_not_fit_the_header(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        keel([text])


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'mammography'"):
        load("mamography")
    with pytest.raises(UnknownName, match="german_credit"):
        load("german-credit")


def test_an_image_set_is_not_loaded_as_a_table() -> None:
    with pytest.raises(ValueError, match=r"use load_images\('mnist'\)"):
        load("mnist")


def test_loading_does_not_share_state_between_calls() -> None:
    first = load("german_credit")
    first.features.iloc[0, 1] = -1
    assert load("german_credit").features.iloc[0, 1] == 6


def test_a_bundled_set_that_differs_from_the_registered_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from repro.data import registry as registry_module

    changed = entry("wine").model_copy(update={"checksum": "0" * 64})
    monkeypatch.setitem(registry_module.registry(), "wine", changed)
    with pytest.raises(
        IntegrityError, match=r"'wine' from scikit-learn: expected checksum 0{64}, found .*scikit-learn"
    ):
        load("wine")


@pytest.mark.mirror
def test_satimage_holds_both_parts_in_their_order(mirror: Path) -> None:
    satimage = load("satimage")
    # first lines of the two official files
    assert satimage.features.iloc[0, :4].tolist() == [92, 115, 120, 94]
    assert satimage.features.iloc[4435, :4].tolist() == [80, 102, 102, 79]
    # classes of the official documentation, training and test part: 415 + 211 rows of class 4
    assert [int(satimage.is_positive[:4435].sum()), int(satimage.is_positive[4435:].sum())] == [415, 211]


@pytest.mark.mirror
def test_oil_spill_keeps_the_number_of_the_patch_and_its_constant_column(mirror: Path) -> None:
    oil = load("oil_spill")
    assert oil.metadata.constant_columns == ("feature_23",)
    assert oil.features.loc[0, ["patch", "feature_2", "feature_49"]].tolist() == [1, 2558, 7.95]
    assert int(oil.is_positive.sum()) == 41


def _covertype(classes: list[int]) -> bytes:
    rows = [[2000 + number, *([number % 2] * 53), label] for number, label in enumerate(classes)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def test_forest_cover_keeps_the_two_classes_of_the_paper() -> None:
    table = forest_cover([_covertype([3, 1, 4, 7, 3, 2])])
    assert table.features["elevation"].tolist() == [2000, 2002, 2004]
    assert table.target.tolist() == ["ponderosa pine", "cottonwood/willow", "ponderosa pine"]
    assert table.features.shape == (3, 54)
    with pytest.raises(ValueError, match="expected 55 columns, found 3"):
        forest_cover([b"1,2,3\n"])


def test_a_table_without_checksum_is_judged_by_its_packed_file_and_its_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody here has the archive of Forest Cover: a small file of its kind stands for it."""
    packed = gzip.compress(_covertype([3] * 5 + [4] * 2 + [1]))
    registered = entry("forest_cover")
    assert isinstance(registered, TableEntry)
    file = registered.routes["mirror"].files[0].model_copy(update={"sha256": hashlib.sha256(packed).hexdigest()})
    route = registered.routes["mirror"].model_copy(update={"files": (file,)})
    counts = {"cottonwood/willow": 2, "ponderosa pine": 5}
    small = registered.model_copy(
        update={"routes": registered.routes | {"mirror": route}, "rows": 7, "class_counts": counts}
    )
    monkeypatch.setattr(loading, "entry", lambda name: small)
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(tmp_path))
    (tmp_path / "forest-cover").mkdir()
    published = tmp_path / "forest-cover" / "covtype.data.gz"
    published.write_bytes(packed)
    assert load("forest_cover").metadata.class_counts == counts
    published.write_bytes(gzip.compress(_covertype([3] * 5 + [4] * 2 + [1]), mtime=1))
    with pytest.raises(IntegrityError, match="expected sha256"):
        load("forest_cover")
    published.write_bytes(packed)
    monkeypatch.setattr(loading, "entry", lambda name: small.model_copy(update={"class_counts": {"x": 7}}))
    with pytest.raises(IntegrityError, match="expected rows, features and classes"):
        load("forest_cover")
