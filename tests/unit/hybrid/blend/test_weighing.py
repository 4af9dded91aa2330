"""Members of a blend are weighed by their errors on runs left out."""

import numpy as np
import pytest

from perfusio.hybrid.blend import weighing
from perfusio.hybrid.blend.members import MEMBERS
from perfusio.hybrid.layout import layout_of

AT = layout_of()
VCD = AT.species.index("vcd")
HYBRID, STEP = MEMBERS.index("hybrid"), MEMBERS.index("step-GP")


def found(errors, n=40, noise=0.05, seed=0):
    """Return forecasts of `n` values by members with these relative errors; NaN = it says nothing."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(10.0, 30.0, n)
    points = np.array([true * np.exp(e * rng.standard_normal(n)) if e == e else np.full(n, np.nan) for e in errors])
    read = true * (1.0 + noise * rng.standard_normal(n))
    latent = np.log(points + AT.floor[VCD])
    return weighing._Found(latent, np.ones(n), np.repeat(np.arange(n // 5), 5), read, np.full(n, 0.1), np.zeros(n))


def weights(errors, dearer=weighing.ELSEWHERE, **how):
    return weighing._weighed(AT, VCD, 0, found(errors, **how), dearer)


def test_who_is_far_better_is_believed():
    assert weights([0.5, 0.05, 0.5, 0.6, 0.6])[STEP] > 0.7
    assert weights([0.05, 0.3, 0.5, 0.6, 0.6])[HYBRID] > 0.9


def test_the_hybrid_model_is_believed_where_nobody_is_better():
    one = found([0.1] * len(MEMBERS))
    alike = one._replace(latent=np.repeat(one.latent[:1], len(MEMBERS), axis=0))
    assert weighing._weighed(AT, VCD, 0, alike, weighing.ELSEWHERE)[HYBRID] > 0.7
    assert weights([0.02, 0.02, 0.5, 0.6, 0.6], n=5)[HYBRID] > 0.5


def test_weights_are_shares_and_silence_has_none():
    w = weights([0.2, 0.1, np.nan, 0.3, np.nan])
    assert w.sum() == pytest.approx(1.0)
    assert (w >= 0.0).all()
    assert w[2] == w[4] == 0.0
    assert weights([0.2, np.nan, np.nan, np.nan, np.nan])[HYBRID] == 1.0


def test_where_setpoints_move_as_never_before_rivals_must_be_much_better():
    both = weighing.ELSEWHERE, weighing.STRANGE
    usual, strange = (weights([0.15, 0.1, 0.5, 0.6, 0.6], dearer=d)[HYBRID] for d in both)
    assert strange > usual
    assert strange > 0.6


def test_noise_of_readings_is_nobodys_error():
    clear, noisy = (weights([0.2, 0.05, 0.6, 0.6, 0.6], noise=n, n=200)[STEP] for n in (0.0, 0.1))
    assert noisy > 0.8 * clear


def test_where_setpoints_vary_a_gain_that_is_not_sure_is_left():
    gains = np.array([1.0, -1.0, 1.2, -0.8, 0.9, -1.1])
    assert weighing._evidence(np.repeat(gains, 4), np.repeat(np.arange(6), 4)) < 0.1
    assert weighing._evidence(np.repeat(2.0 + gains, 4), np.repeat(np.arange(6), 4)) == 1.0
