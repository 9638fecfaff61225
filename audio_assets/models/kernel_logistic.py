"""L2-regularised logistic regression, solved to convergence in kernel (Gram) form, many at a time.

The minimiser over (w, b) of ``sum_i c_i log(1 + exp(-y_i f_i)) + |w|^2 / 2`` with
``f_i = w.x_i + b`` has ``w = sum_i a_i x_i`` (representer theorem; Schölkopf, Herbrich & Smola
2001), so a fit needs the inner products of its training clips alone: every fold, size, repeat and
bootstrap draw is a sub-matrix of one Gram matrix. The choice of fits belongs in
:mod:`audio_assets.evaluation.scores.grid`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRADIENT_TOLERANCE = 1e-9
MAX_ITERATIONS = 100
MAX_CONJUGATE_STEPS = 1000


class NotConvergedError(ArithmeticError):
    """A fit did not converge, so there is no score to report."""


@dataclass(frozen=True)
class KernelLogistic:
    """Fitted models in kernel form: ``f(x) = sum_i dual_i <x_i, x> + intercept``.

    Attributes
    ----------
    dual
        float64[..., n], weights of the clips, which sum to 0 for each model.
    intercept
        float64[...], b.
    gradient_norm
        float64[...], Euclidean norm of the objective's gradient in (w, b) at the end of the fit.
    """

    dual: NDArray[np.float64]
    intercept: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]

    def decision(self, cross_gram: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log odds of the positive class, from float64[m, n] products with the clips.

        Returns
        -------
        float64[..., m]
        """
        return np.asarray(self.dual @ cross_gram.T + self.intercept[..., None])


def fit_kernel_logistic(
    gram: NDArray[np.float64], labels: NDArray[np.int64], c: float
) -> KernelLogistic:
    """Fit one model.

    Parameters
    ----------
    gram
        float64[n, n], inner products of the training clips.
    labels
        {0, 1}[n], both present.
    c
        Weight of the sum of log losses, as scikit-learn's ``C``.

    Raises
    ------
    NotConvergedError
        See :func:`fit_kernel_logistics`.
    """
    fits = fit_kernel_logistics(gram[None], labels[None], np.full((1, 1, len(labels)), float(c)))
    return KernelLogistic(fits.dual[0, 0], fits.intercept[0, 0], fits.gradient_norm[0, 0])


def fit_kernel_logistics(
    gram: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> KernelLogistic:
    """Fit g groups of k models at once; the models of a group share a Gram matrix.

    Parameters
    ----------
    gram
        float64[g, n, n], inner products of the clips of each group.
    labels
        {0, 1}[g, n].
    weights
        float64[g, k, n], weight of each clip's log loss: C times how often a model trains on it,
        0 for a clip that it does not see. Both classes have weight in every model.

    Raises
    ------
    NotConvergedError
        A gradient's norm is above ``GRADIENT_TOLERANCE`` after ``MAX_ITERATIONS`` steps.

    Notes
    -----
    Newton's method with step halving. A step solves ``da + D (G da + db) = -r`` and
    ``sum D (G da + db) = q`` with ``D = diag(c p (1 - p))``, where r and q are the gradient in the
    dual and in b: db is eliminated, and the rest, made symmetric by ``S = D^1/2`` (as in Rasmussen
    & Williams 2006, section 3.4), is solved by conjugate gradients. So a step of all models of a
    group is one matrix product, which runs near a processor's peak where a factorisation for each
    model does not. The systems are well conditioned (the loss adds little to the identity outside
    a few directions): some 15 to 60 products take a model from zero to the tolerance. Starting from
    the solution of the next smaller training subset saved none; most go to the last digits.
    """
    models = _Models(gram, labels[:, None, :].astype(np.float64), weights)
    for _ in range(MAX_ITERATIONS):
        norm = models.gradient_norm()
        if norm.max() <= GRADIENT_TOLERANCE:
            return KernelLogistic(models.dual, models.intercept[..., 0], norm[..., 0])
        if not models.newton_step(norm):
            break
    raise NotConvergedError(
        f"a logistic fit on {int((weights > 0).sum(axis=-1).max())} clips did not converge: "
        f"gradient norm {norm.max():.1e}"
    )


class _Models:
    """The state of the fits. Arrays are [g, k, n], or [g, k, 1] for one number per model."""

    def __init__(
        self,
        gram: NDArray[np.float64],
        target: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> None:
        self.gram, self.target, self.weights = gram, target, weights
        self.dual = np.zeros(weights.shape)
        self.intercept = np.zeros((*weights.shape[:2], 1))
        self.decision = np.zeros(weights.shape)
        self.loss, self.probability = self._objective(self.dual, self.intercept, self.decision)
        self.first_norm: NDArray[np.float64] | None = None

    def gradient_norm(self) -> NDArray[np.float64]:
        """Return the norm of the gradient in (w, b); its components are kept for the next step."""
        pull = self.weights * (self.target - self.probability)
        self.slope = pull.sum(axis=-1, keepdims=True)
        self.residual = self.dual - pull
        product = self.decision - self.intercept - pull @ self.gram
        # The gradient in w is X^T r with this r, so its norm is a quadratic form in G.
        squared = np.maximum(_dot(self.residual, product), 0.0)
        norm: NDArray[np.float64] = np.sqrt(squared + self.slope**2)
        if self.first_norm is None:
            self.first_norm = norm
        return norm

    def newton_step(self, norm: NDArray[np.float64]) -> bool:
        """Move every model that has not converged; return False if a loss has no curvature."""
        assert self.first_norm is not None
        curvature = self.weights * self.probability * (1.0 - self.probability)
        total = curvature.sum(axis=-1, keepdims=True)
        if not total.min() > 0.0:
            return False
        # Looser far from the solution: digits beyond the quadratic model's accuracy are wasted.
        share = np.minimum(0.02, norm / np.maximum(self.first_norm, GRADIENT_TOLERANCE))
        moving = norm > GRADIENT_TOLERANCE
        goal = np.where(moving, np.maximum(share * norm, 0.1 * GRADIENT_TOLERANCE), np.inf)
        start = -self.residual - curvature * (self.slope / total)
        g_start = start @ self.gram
        root = np.sqrt(curvature)
        step, product = self._solve(g_start, root, total, goal)
        step += start
        product += g_start
        turn = (self.slope - _dot(curvature, product)) / total
        product += turn
        for change in (step, product, turn):
            change *= moving
        length = np.ones_like(turn)
        while True:
            dual = self.dual + length * step
            intercept = self.intercept + length * turn
            decision = self.decision + length * product
            loss, probability = self._objective(dual, intercept, decision)
            # Near the minimum the objective is flat up to rounding while the gradient still falls.
            rose = (loss > self.loss + 1e-12 * np.abs(self.loss)) & (length > 1e-8)
            if not rose.any():
                break
            length = np.where(rose, length / 2.0, length)
        self.dual, self.intercept, self.decision = dual, intercept, decision
        self.loss, self.probability = loss, probability
        return True

    def _solve(
        self,
        g_start: NDArray[np.float64],
        root: NDArray[np.float64],
        total: NDArray[np.float64],
        goal: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find ``S v`` and ``G S v`` with ``(I + Q S G S Q) v = -Q S G start``.

        The method is conjugate gradients. S is the diagonal of ``root``, and Q projects out the
        part along it, which belongs to the intercept. A model stops when its residual's norm has
        fallen to ``goal``. Working with S v rather than with w keeps the dual unique if G is
        singular.
        """

        def without_intercept(vector: NDArray[np.float64]) -> NDArray[np.float64]:
            vector -= root * (_dot(root, vector) / total)
            return vector

        residual = without_intercept(-root * g_start)
        direction = residual.copy()
        v, g_v = np.zeros_like(root), np.zeros_like(root)
        buffer = np.empty_like(root)
        squared = _dot(residual, residual)
        for _ in range(MAX_CONJUGATE_STEPS):
            live = squared > goal**2
            if not live.any():
                break
            product = np.multiply(root, direction, out=buffer) @ self.gram
            image = without_intercept(root * product)
            image += direction
            rate = np.where(live, squared / np.where(live, _dot(direction, image), 1.0), 0.0)
            v += np.multiply(direction, rate, out=buffer)
            g_v += np.multiply(product, rate, out=product)
            residual -= np.multiply(image, rate, out=image)
            left = _dot(residual, residual)
            direction *= np.where(live, left / np.where(live, squared, 1.0), 0.0)
            direction += residual
            squared = np.where(live, left, 0.0)
        return root * v, g_v

    def _objective(
        self,
        dual: NDArray[np.float64],
        intercept: NDArray[np.float64],
        decision: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the objective of each model, and its probabilities."""
        small = np.exp(-np.abs(decision))
        probability = np.where(decision >= 0.0, 1.0, small) / (1.0 + small)
        losses = np.log1p(small) + np.maximum(decision, 0.0) - self.target * decision
        return _dot(self.weights, losses) + 0.5 * _dot(dual, decision - intercept), probability


def _dot(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inner product of each model's two vectors, float64[g, k, 1]."""
    return np.asarray(np.einsum("gkn,gkn->gk", left, right)[..., None])
