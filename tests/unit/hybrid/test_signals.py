"""On-line signals: filtered between samples, worth what their persistent error leaves, and nothing to learn from."""

import numpy as np
import pytest

from perfusio.config import DesignSpace
from perfusio.errors import ConfigError
from perfusio.hybrid.model import HybridModel
from perfusio.process import CHO_PERFUSION, Species
from perfusio.state import State
from perfusio.trajectory import Trajectory

CAPACITANCE = Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd", high=400.0)
PANEL = CHO_PERFUSION.with_(CAPACITANCE)
NOMINAL = DesignSpace.of(PANEL).nominal
SAMPLE = {"vcd": 10.0, "viability": 97.0, "glucose": 4.0, "glutamine": 3.0, "glutamate": 0.5, "lactate": 3.0,
          "ammonium": 1.0, "pyruvate": 0.5, "titer": 100.0}  # fmt: skip


def run(*readings):
    """A sample at hour 0 and what was read after it, (hour, values) each."""
    out = Trajectory(reactor_id="R01")
    for hour, values in ((0.0, SAMPLE), *readings):
        out = out.observe(State.of_values(PANEL, hour, values), NOMINAL)
    return out


def believed(trajectory):
    """Viable cells and their latent sd after the last reading."""
    model = HybridModel.prior(PANEL).condition([trajectory])
    return model.estimate(trajectory).vcd, np.sqrt(model.beliefs["R01"].cov[0, 0])


def hourly(value, hours=12):
    return [(float(h), {"capacitance": value}) for h in range(1, hours + 1)]


def test_a_signal_moves_what_is_believed_between_samples():
    silent, _ = believed(run((12.0, {"glucose": 4.0})))
    low, high = (believed(run(*hourly(value)))[0] for value in (7.0, 20.0))
    assert low < silent < high
    assert low > 7.0
    assert high < 20.0


def test_many_readings_with_one_error_are_not_many_samples():
    _, by_signal = believed(run(*hourly(12.0)))
    _, once = believed(run((12.0, {"capacitance": 12.0})))
    _, by_sample = believed(run((12.0, {"vcd": 12.0})))
    assert by_sample < by_signal
    assert by_signal == pytest.approx(once, rel=0.3)


def test_where_a_sample_was_taken_it_counts_alone():
    both = believed(run((24.0, {**SAMPLE, "capacitance": 50.0})))
    assert both == believed(run((24.0, SAMPLE)))


def test_a_signal_that_only_is_recorded_says_nothing():
    noted = CHO_PERFUSION.with_(Species("capacitance", unit="pF/cm", role="signal"))
    nominal = DesignSpace.of(noted).nominal
    start = Trajectory(reactor_id="R01").observe(State.of_values(noted, 0.0, SAMPLE), nominal)
    with_it, without = (
        HybridModel.prior(noted).condition([start.observe(State.of_values(noted, 24.0, read), nominal)])
        for read in ({"capacitance": 1.0}, {})
    )
    assert (with_it.beliefs["R01"].mean == without.beliefs["R01"].mean).all()


def test_what_is_learnt_is_learnt_from_samples():
    with_signals = run(*hourly(12.0, 23), (24.0, SAMPLE), (48.0, SAMPLE), (72.0, SAMPLE), (96.0, SAMPLE))
    alone = run((24.0, SAMPLE), (48.0, SAMPLE), (72.0, SAMPLE), (96.0, SAMPLE))
    assert with_signals.of_samples() == alone
    assert alone.of_samples() is alone
    learnt, same = (HybridModel.prior(PANEL).fit([t], seed=1, calibrate=False) for t in (with_signals, alone))
    assert (learnt.process.log_factors == same.process.log_factors).all()


def test_setpoints_that_changed_between_samples_are_averaged_over_time():
    t = run((6.0, {"capacitance": 11.0})).observe(
        State.of_values(PANEL, 24.0, SAMPLE), NOMINAL.with_values(perfusion_rate=2.0)
    )
    assert t.of_samples().setpoints[0].perfusion_rate == pytest.approx(0.25 * NOMINAL.perfusion_rate + 0.75 * 2.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": "pF/cm"}, "expected the same unit"),
        ({"measures": "vdc"}, "measures 'vdc'"),
        ({"measures": "diameter"}, "measures 'diameter'"),
        ({"role": "solute"}, "expected a signal"),
        ({"error_memory_h": 0.0}, "above 0"),
    ],
)
def test_a_signal_of_something_else_is_refused(changes, says):
    declared = {"unit": "1e6 cells/mL", "role": "signal", "measures": "vcd", **changes}
    with pytest.raises(ConfigError, match=says):
        CHO_PERFUSION.with_(Species("capacitance", **declared))
