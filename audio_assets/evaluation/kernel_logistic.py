"""L2-regularised logistic regression, solved to convergence in kernel (Gram) form.

The minimiser over (w, b) of ``C sum_i log(1 + exp(-y_i f_i)) + |w|^2 / 2`` with
``f_i = w.x_i + b`` has ``w = sum_i a_i x_i`` (representer theorem; Schölkopf, Herbrich & Smola
2001), so a fit needs the inner products of its training clips alone: every fold, size and repeat is
a sub-matrix of one Gram matrix. What is fitted on what belongs in :mod:`.grid`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRADIENT_TOLERANCE = 1e-9
MAX_ITERATIONS = 100


class NotConvergedError(ArithmeticError):
    """A fit did not converge, so there is no score to report."""


@dataclass(frozen=True)
class KernelLogistic:
    """A fitted model in kernel form: ``f(x) = sum_i dual_i <x_i, x> + intercept``.

    Attributes
    ----------
    dual
        float64[n], weights of the training clips; they sum to 0.
    intercept
        b.
    gradient_norm
        Euclidean norm of the objective's gradient in (w, b) where the fit ended.
    """

    dual: NDArray[np.float64]
    intercept: float
    gradient_norm: float

    def decision(self, cross_gram: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds of the positive class, from float64[m, n] products with training clips."""
        return np.asarray(cross_gram @ self.dual + self.intercept)


def fit_kernel_logistic(
    gram: NDArray[np.float64], labels: NDArray[np.int64], c: float
) -> KernelLogistic:
    """Fit by Newton's method with step halving.

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
        The gradient's norm is above ``GRADIENT_TOLERANCE`` after ``MAX_ITERATIONS`` steps.

    Notes
    -----
    A step solves ``(G + D^-1) a + b 1 = z, 1.a = 0`` with ``D = C diag(p (1 - p))`` and the working
    response z, through ``B = I + D^1/2 G D^1/2`` (Rasmussen & Williams 2006, section 3.4), which is
    positive definite also when G is singular or p saturates.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.special import expit

    target = labels.astype(np.float64)
    dual, intercept = np.zeros(len(target)), 0.0
    decision = np.zeros(len(target))
    loss = _objective(dual, intercept, decision, target, c)
    for _ in range(MAX_ITERATIONS):
        probability = expit(decision)
        residual = target - probability
        # The gradient in w is X^T r with this r, so its norm is a quadratic form in G.
        r = dual - c * residual
        norm = float(np.sqrt(max(r @ gram @ r, 0.0) + (c * residual.sum()) ** 2))
        if norm <= GRADIENT_TOLERANCE:
            return KernelLogistic(dual, float(intercept), norm)
        root = np.sqrt(c * probability * (1.0 - probability))
        if not root.min() > 0.0:
            break
        system = root[:, None] * gram * root
        system[np.diag_indices_from(system)] += 1.0
        right = np.column_stack([root * decision + c * residual / root, root])
        factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        solved = root[:, None] * cho_solve(factor, right, check_finite=False)
        new_intercept = solved[:, 0].sum() / solved[:, 1].sum()
        new_dual = solved[:, 0] - new_intercept * solved[:, 1]
        new_decision = gram @ new_dual + new_intercept
        step = 1.0
        while True:
            trial_dual = dual + step * (new_dual - dual)
            trial_intercept = intercept + step * (new_intercept - intercept)
            trial_decision = decision + step * (new_decision - decision)
            trial = _objective(trial_dual, trial_intercept, trial_decision, target, c)
            # Near the minimum the objective is flat to rounding while the gradient still falls.
            if trial <= loss + 1e-12 * abs(loss) or step < 1e-8:
                break
            step /= 2.0
        dual, intercept, decision, loss = trial_dual, trial_intercept, trial_decision, trial
    raise NotConvergedError(
        f"a logistic fit on {len(target)} clips did not converge: gradient norm {norm:.1e}"
    )


def _objective(
    dual: NDArray[np.float64],
    intercept: float,
    decision: NDArray[np.float64],
    target: NDArray[np.float64],
    c: float,
) -> float:
    losses = np.logaddexp(0.0, decision) - target * decision
    return float(c * losses.sum() + 0.5 * dual @ (decision - intercept))
