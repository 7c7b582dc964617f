"""Compressed sparse rows as input of SMOTE: only stored values are ever touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import check_array

from repro.sampling._tables import RowNumbers

Array = npt.NDArray[Any]


class SparseTable:
    """A CSR or CSC matrix; synthetic rows are built as CSR and appended in the format of the input.

    Raises
    ------
    ValueError
        If the matrix has no rows or columns, or a column holds NaN or infinity.
    """

    def __init__(self, features: Any) -> None:
        checked = check_array(features, accept_sparse=("csr", "csc"), dtype=None, ensure_all_finite=False)
        if checked.dtype not in (np.float32, np.float64):
            checked = checked.astype(np.float64)
        self.format, self.kind = checked.format, type(checked)
        self.rows = checked.tocsr()
        self.n_rows, self.n_columns = checked.shape
        self.pieces: list[Any] = [self.rows]
        faulty = ~np.isfinite(self.rows.data)
        if faulty.any():
            column = int(self.rows.indices[faulty].min())
            found = self.rows.data[faulty & (self.rows.indices == column)]
            raise ValueError(
                f"column {column} holds {np.isnan(found).sum()} NaN and {np.isinf(found).sum()} infinite; "
                "impute or drop these rows first"
            )

    def gather(self, rows: RowNumbers) -> Any:
        """Copy some rows as a CSR matrix of float64 with sorted indices and no repeated entries."""
        some = sparse.csr_matrix(self.rows[rows], dtype=np.float64)
        some.sum_duplicates()
        return some

    def append_children(
        self, some: Any, parents: Array, neighbours: Array, box: bool, generator: np.random.Generator
    ) -> None:
        """Add one child per pair of rows of `some`; with `box` one gap is drawn for every stored value."""
        from repro.sampling._child_kernels import count_stored, interpolate_sparse

        counts = np.empty(parents.size, dtype=np.int64)
        count_stored(some.indices, some.indptr, parents, neighbours, counts)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        data = np.empty(int(indptr[-1]), dtype=self.rows.dtype)
        index_type = sparse.get_index_dtype(maxval=max(int(indptr[-1]), self.n_columns))
        indices = np.empty(data.size, dtype=index_type)
        gaps = generator.random(data.size if box else parents.size)
        interpolate_sparse(some.data, some.indices, some.indptr, parents, neighbours, gaps, not box, data, indices)
        self.pieces.append(
            sparse.csr_matrix((data, indices, indptr.astype(index_type)), shape=(parents.size, self.n_columns))
        )

    def finish(self) -> Any:
        """Original rows, then the children."""
        return self.kind(sparse.vstack(self.pieces, format=self.format))
