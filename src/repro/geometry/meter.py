"""One pass over features and labels that keeps everything the measures of neural collapse need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk
from scipy.sparse import csr_array

from repro.geometry.collapse_metrics import ClassMoments, GlobalMean, Target, collapse_metrics
from repro.geometry.unconstrained_features import MseOptimum
from repro.ground.arrays import bias_vector, class_labels, finite_matrix, finite_rows
from repro.ground.checks import whole_number

ROWS_AT_ONCE = 2048
"""A batch is taken in parts of this many rows: the copies in float64 stay small."""


class CollapseMeter:
    """Accumulates class means and within-class scatter in one pass and computes the measures of neural collapse.

    Sums are kept in float64 relative to a fixed reference point for each class, the mean of the first rows seen of
    it. Within-class scatter is then a sum of small numbers, without cancellation against class means or a
    common offset, however small it is. Meters of several workers can be merged.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    n_features : int
        D, at least 1; D may be smaller or larger than K.
    reference : array-like or tensor of shape (n_classes, n_features), optional
        Reference points to use instead; with the class means of an earlier pass this is the two-pass method. None:
        found from the data.

    Attributes
    ----------
    counts : ndarray of shape (n_classes,), int64
        Samples of each class so far.

    Raises
    ------
    TypeError
        If a number is no whole number.
    ValueError
        If a number is too small, or `reference` has another shape or is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> meter = CollapseMeter(n_classes=2, n_features=2)
    >>> meter.update(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([0, 0]))
    >>> meter.update(np.array([[5.0, 3.0], [5.0, 5.0]]), np.array([1, 1]))
    >>> meter.class_means.tolist()
    [[1.0, 1.0], [5.0, 4.0]]
    >>> round(meter.compute()["nc1_quot"], 6)
    0.16
    """

    def __init__(self, n_classes: int, n_features: int, *, reference: Any = None) -> None:
        self.n_classes = whole_number("n_classes", n_classes, at_least=2)
        self.n_features = whole_number("n_features", n_features, at_least=1)
        shape = (self.n_classes, self.n_features)
        self.counts: NDArray[np.int64] = np.zeros(self.n_classes, dtype=np.int64)
        self._reference = np.zeros(shape) if reference is None else finite_matrix("reference", reference, shape).copy()
        self._has_reference = np.full(self.n_classes, reference is not None)
        self._sums = np.zeros(shape)
        self._squares = np.zeros(self.n_classes)
        self._products = np.zeros((self.n_features, self.n_features), order="F")  # only the upper triangle is kept

    @property
    def class_means(self) -> NDArray[np.float64]:
        """Mean of each class, shape (n_classes, n_features); NaN for a class without samples."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self._reference + self._sums / self.counts[:, None])

    @property
    def within_covariance(self) -> NDArray[np.float64]:
        """Sigma_W, pooled over samples and divided by N; shape (n_features, n_features).

        Raises
        ------
        ValueError
            If there are no samples.
        """
        if not self.counts.any():
            raise ValueError("the meter has seen no samples")
        seen = self.counts > 0
        scaled = self._sums[seen] / np.sqrt(self.counts[seen, None])
        upper = np.triu((self._products - scaled.T @ scaled) / self.counts.sum())
        return np.asarray(upper + np.triu(upper, 1).T)

    def update(self, features: Any, labels: Any) -> None:
        """Add a batch.

        Parameters
        ----------
        features : array-like or tensor of shape (n_samples, n_features)
            Of any real type (half precision is accumulated in float64 as well); tensors on any device.
        labels : array-like or tensor of shape (n_samples,), integers
            Class numbers from 0 to n_classes - 1.

        Raises
        ------
        TypeError
            If features are no real numbers or labels no whole numbers.
        ValueError
            If shapes do not fit, a feature is NaN or infinite, or a label lies outside the range. The meter is then
            as it was before.
        """
        rows = finite_rows("features", features, self.n_features)
        classes = class_labels(labels, self.n_classes, len(rows))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._add(rows[start : start + ROWS_AT_ONCE], classes[start : start + ROWS_AT_ONCE])

    def _add(self, rows: NDArray[np.float64], classes: NDArray[np.intp]) -> None:
        present, place, counts = np.unique(classes, return_inverse=True, return_counts=True)
        members = csr_array((np.ones(len(rows)), place, np.arange(len(rows) + 1)), shape=(len(rows), len(present))).T
        new = ~self._has_reference[present]
        if new.any():
            self._reference[present[new]] = np.asarray(members @ rows)[new] / counts[new, None]
            self._has_reference[present[new]] = True
        deviations = self._reference.take(classes, axis=0)
        np.subtract(rows, deviations, out=deviations)
        self.counts[present] += counts
        self._sums[present] += np.asarray(members @ deviations)
        self._squares[present] += np.bincount(place, weights=np.einsum("ij,ij->i", deviations, deviations))
        # adds deviations^T deviations in place, half of the products a general matrix product would take
        self._products = dsyrk(1.0, deviations.T, beta=1.0, c=self._products, overwrite_c=True)

    def merge(self, other: CollapseMeter) -> CollapseMeter:
        """Add what another meter has seen; gives this meter.

        Raises
        ------
        TypeError
            If `other` is no meter.
        ValueError
            If it has other numbers of classes or features.
        """
        if not isinstance(other, CollapseMeter):
            raise TypeError(f"other must be a CollapseMeter, got {type(other).__name__}")
        mine, found = (self.n_classes, self.n_features), (other.n_classes, other.n_features)
        if mine != found:
            raise ValueError(f"other must have (n_classes, n_features) = {mine}, got {found}")
        new = other._has_reference & ~self._has_reference
        self._reference[new] = other._reference[new]
        self._has_reference |= other._has_reference
        seen = other.counts > 0
        counts, sums = other.counts[seen], other._sums[seen]
        shift = other._reference[seen] - self._reference[seen]
        mixed = sums.T @ shift
        products = other._products + mixed + mixed.T + (counts[:, None] * shift).T @ shift
        squares = other._squares[seen] + np.einsum("ij,ij->i", shift, 2 * sums + counts[:, None] * shift)
        self._sums[seen] += sums + counts[:, None] * shift
        self._squares[seen] += squares
        self._products += products
        self.counts += other.counts
        return self

    def compute(
        self,
        W: Any = None,
        b: Any = None,
        targets: Target | Sequence[Target] = "etf",
        *,
        global_mean: GlobalMean = "classes",
        optimum: MseOptimum | None = None,
    ) -> dict[str, float]:
        r"""Measures of neural collapse; classes without samples are left out of all of them.

        Parameters
        ----------
        W : array-like or tensor of shape (n_classes, n_features), optional
            Rows of the classifier (the product of its layers). None: only what the features alone show.
        b : array-like or tensor of shape (n_classes,), optional
            Bias of the classifier, for `nc4_class_means`.
        targets : {"etf", "of", "gof"} or sequence of them, default="etf"
            Frames to compare with: simplex equiangular tight frame, orthogonal frame, and general orthogonal frame of
            the exact optimum for unequal classes.
        global_mean : {"classes", "samples"}, default="classes"
            What class means are centred with: the mean of the class means, or the mean of all samples.
        optimum : MseOptimum, optional
            Result of :func:`repro.geometry.ufm_mse` without bias for the class sizes and penalties of the training;
            needed for "gof".

        Returns
        -------
        dict of str to float
            See Notes. A measure that does not exist (a class mean equals the global mean, say) is NaN; the
            logarithmic ones and CDNV are infinite where two class means coincide.

        Raises
        ------
        TypeError
            If an argument is not of the kind named above.
        ValueError
            If fewer than two classes have samples, shapes do not fit, numbers are not finite, a name is unknown, or
            "gof" comes without W or a fitting optimum.

        Notes
        -----
        K is the number of classes with samples, mu_k a class mean, mu_G the global mean, u_k = (mu_k - mu_G) / norm,
        w_k a row of W, nz(A) = A / \|A\|_F. Variances and deviations over classes divide by K - 1, those over pairs
        by the number of pairs.

        ============================== =========================================================================
        `nc1_pinv`                     tr(Sigma_W pinv(Sigma_B)) / K; eigenvalues of Sigma_B below 1e-9 of the
                                       largest count as 0
        `nc1_quot`                     tr Sigma_W / tr Sigma_B
        `nc1_cdnv`, `nc1_cdnv_exp2`    mean over pairs of (v_i + v_j) / (2 d^(2p)), p = 1 and 2; v_k: mean squared
                                       distance to mu_k, d: distance of the means
        `nc2_norms_mean`, `_var`       norm of mu_k - mu_G
        `nc2_lognorm_var`              variance of its logarithm
        `nc2_equinorm`                 its deviation over its mean (`nc2_equinorm_W`: of w_k)
        `nc2_equiangular`              deviation of the cosines of mu_k - mu_G (`_W`: of w_k)
        `nc2_max_angle`                mean of \|cosine + 1 / (K - 1)\| (`_W`: of w_k)
        `gnc2_dist_mean`, `_var`       \|u_i - u_j\|
        `gnc2_log_mean`, `_var`        -log \|u_i - u_j\|
        `nc3_dist_mean`                mean of \|w_k / \|w_k\| - u_k\|
        `nc3_papyan`                   \|nz(W) - nz(means - mu_G)\|^2
        `unc3_dot_var`                 variance of w_k . (mu_k - mu_G)
        `unc3_cos_mean`, `_var`        cosine of w_k and mu_k - mu_G
        `nc4_class_means`              share of class means that the classifier W, b gives to their own class
        `nc2_etf_err`                  distance of nz(Gram matrix of mu_k - mu_G) to the simplex frame (`_W`: W W^T)
        `nc3_dual_err`                 distance of nz(W Mc^T) to the simplex frame
        `nc2_of_err`, `nc3_of_err`     the same with uncentred class means and nz(I) (`nc2_of_err_W`: W W^T)
        `nc2_gof_err`, `nc3_gof_err`   the same with the optimum's diagonal matrices (`nc2_gof_err_W`: W W^T)
        `nc3_gof_dual_err`             distance of nz(W) to nz(diag(S2 + N lambda_H) Hbar^T)
        ============================== =========================================================================
        """
        seen = self.counts > 0
        if seen.sum() < 2:
            raise ValueError(f"at least 2 classes must have samples, {int(seen.sum())} of {self.n_classes} have")
        shape = (self.n_classes, self.n_features)
        means = self._sums[seen] / self.counts[seen, None]
        spread = self._squares[seen] / self.counts[seen] - np.einsum("ij,ij->i", means, means)
        moments = ClassMoments(
            counts=self.counts[seen],
            means=self._reference[seen] + means,
            variances=np.maximum(spread, 0.0),
            within=self.within_covariance,
        )
        return collapse_metrics(
            moments,
            None if W is None else finite_matrix("W", W, shape)[seen],
            bias_vector(b, self.n_classes)[seen],
            targets,
            global_mean=global_mean,
            optimum=optimum,
            seen=seen,
        )
