"""Rows of a result table, as the function that computes a cell collects them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Scalar

if TYPE_CHECKING:
    import pandas as pd

REPLICATE: Final = "replicate"


class Rows:
    """Collects measures under their settings and gives the table that an experiment must return.

    Parameters
    ----------
    *settings : str
        Setting columns of the experiment, in order.
    **fixed : str, int, float, bool or None
        Settings, or the ``replicate``, that are the same in all rows.

    Raises
    ------
    UnknownName
        If a fixed value is given to no setting column.

    Examples
    --------
    >>> rows = Rows("data", "method", data="digits", replicate=3)
    >>> rows.add({"accuracy": 0.75, "loss": 0.5}, method="mixup")
    >>> print(rows.frame().to_string(index=False))
      data method  replicate   metric  value
    digits  mixup          3 accuracy   0.75
    digits  mixup          3     loss   0.50
    """

    def __init__(self, *settings: str, **fixed: Scalar) -> None:
        self._settings = settings
        self._fixed = fixed
        self._rows: list[tuple[Any, ...]] = []
        self._refuse_unknown(fixed)

    def _refuse_unknown(self, given: Mapping[str, Scalar]) -> None:
        for name in given:
            if name != REPLICATE and name not in self._settings:
                raise UnknownName("setting column", name, self._settings)

    def add(self, measures: Mapping[str, float], **settings: Scalar) -> None:
        """Add one row for each measure.

        Parameters
        ----------
        measures : mapping of str to float
            Metric and value.
        **settings : str, int, float, bool or None
            Settings of these rows, the ``replicate`` among them; they win over the fixed ones. A setting column that
            is named nowhere stays empty.

        Raises
        ------
        UnknownName
            If there is no such setting column.
        ValueError
            If the replicate is given neither here nor at the beginning.
        """
        self._refuse_unknown(settings)
        known = {**self._fixed, **settings}
        if known.get(REPLICATE) is None:
            raise ValueError("replicate must be given, here or when the rows are begun, got none")
        place = (*(known.get(name) for name in self._settings), known[REPLICATE])
        self._rows += [(*place, metric, value) for metric, value in measures.items()]

    def add_curves(
        self, setting: str, positions: Iterable[Scalar], curves: Mapping[str, Iterable[float]], **settings: Scalar
    ) -> None:
        """Add the points of curves over a setting, one curve after the other.

        Parameters
        ----------
        setting : str
            Setting column that the curves run over, for example an epoch.
        positions : iterable of int, float or str
            Values of that setting.
        curves : mapping of str to iterable of float
            Metric and its values, one for each position.
        **settings : str, int, float, bool or None
            Further settings of these rows, as in :meth:`add`.

        Raises
        ------
        UnknownName, ValueError
            As :meth:`add`; also if a curve has not one value for each position.
        """
        at = list(positions)
        for metric, curve in curves.items():
            values = list(curve)
            if len(values) != len(at):
                raise ValueError(f"curve {metric!r} must have {len(at)} values, one a position, got {len(values)}")
            for position, value in zip(at, values, strict=True):
                self.add({metric: float(value)}, **{**settings, setting: position})

    def frame(self) -> pd.DataFrame:
        """Return the rows: setting columns, then ``replicate``, ``metric`` and ``value``, in the order of adding."""
        import pandas as pd

        return pd.DataFrame(self._rows, columns=[*self._settings, REPLICATE, "metric", "value"])
