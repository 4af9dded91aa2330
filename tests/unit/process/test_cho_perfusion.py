"""The default panel is what State, Setpoints and every table say, and each derived array follows it by name."""

import json
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from perfusio.config import DEFAULT_ALARMS, DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.process import CHO_PERFUSION
from perfusio.quantities import conversion_factor
from perfusio.state import SETPOINTS, SPECIES, STATE_QUANTITIES, Setpoints, State
from perfusio.trajectory import Feed


def test_typed_attributes_are_the_panel_in_its_order():
    beside = ("time_h", "quality", "panel", "more")
    assert [f.name for f in fields(State) if f.name not in beside] == list(STATE_QUANTITIES)
    assert list(STATE_QUANTITIES) == [s.name for s in CHO_PERFUSION.species]
    assert [f.name for f in fields(Setpoints) if f.name not in beside] == list(SETPOINTS)
    assert list(SETPOINTS) == [s.name for s in CHO_PERFUSION.setpoints]
    assert list(SPECIES) == [s.name for s in CHO_PERFUSION.modelled]
    assert {f.name for f in fields(Feed)} - {"fraction", "panel", "more"} == set(CHO_PERFUSION.of_role("solute"))


@pytest.mark.parametrize("q", CHO_PERFUSION.quantities, ids=lambda q: q.name)
def test_facts_of_a_quantity_agree_with_each_other(q):
    assert q.low < q.high
    if q.usual is not None:
        assert q.usual.low < q.usual.high
        for unit in q.usual.other_units:
            assert conversion_factor(unit, q) > 0.0
    if q in CHO_PERFUSION.setpoints:
        assert q.low <= q.allowed.low <= q.allowed.nominal <= q.allowed.high <= q.high
        assert q.clear_change > 0.0
        return
    if q.is_modelled:
        assert q.low <= q.prior.mean <= q.high
    for unit, factor in q.mistaken_units:
        if unit != "1e12 cells/mL":
            assert factor == pytest.approx(1.0 / conversion_factor(unit, q), rel=1e-12)


def test_defaults_of_a_run_are_those_of_the_panel():
    assert tuple(a.quantity for a in DEFAULT_ALARMS) == CHO_PERFUSION.alarmed
    assert DEFAULT_AMBR250_DESIGN_SPACE.nominal == Setpoints(
        **{s.name: s.allowed.nominal for s in CHO_PERFUSION.setpoints}
    )


REORDERED = """
import json, sys
from dataclasses import replace
import perfusio.process.cho_perfusion as home
panel = home.CHO_PERFUSION
home.CHO_PERFUSION = replace(panel, species=panel.species[::-1], setpoints=panel.setpoints[::-1])
import numpy as np
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.state import SETPOINTS, SPECIES
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as space
from perfusio.bed import target_feasibility
from perfusio.report import narration
from perfusio.twin.alarms import levels
from perfusio.twin.writes import guard
from perfusio.twin.samples import sample_checks
from perfusio.plant import sensors
at = np.array([p.mean for p in home.CHO_PERFUSION.prior])[:, None]
here = layout_of(home.CHO_PERFUSION)
factors = np.zeros((here.n_parameters, 1))
after = advance(here, at, space.nominal.vector()[:, None], factors, 24.0, here.medium)[:, 0]
arrays = {n: getattr(here, n).tolist() for n in
          ["floor", "ceiling", "noise_cv", "noise_absolute", "default_state", "default_sd", "drift_sd", "drift_walk",
           "white_sd", "always_free", "usual", "limit", "medium"]}
json.dump({"species": SPECIES, "setpoints": SETPOINTS, "arrays": arrays, "scale": here.gp_scale.tolist(),
           "after": after.tolist(), "low": space.low.tolist()}, sys.stdout)
"""


def _reordered():
    done = subprocess.run([sys.executable, "-c", REORDERED], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_lines_of_the_panel_may_be_reordered_and_everything_follows_by_name():
    found = _reordered()
    assert found["species"] == list(SPECIES[::-1])
    layout = layout_of()
    for name, reordered in found["arrays"].items():
        here = getattr(layout, name)
        assert dict(zip(found["species"], reordered, strict=True)) == dict(zip(SPECIES, here.tolist(), strict=True)), (
            name
        )
    assert found["scale"][:9] == layout.gp_scale[:9][::-1].tolist()
    assert found["scale"][9:15] == layout.gp_scale[9:15][::-1].tolist()
    assert found["low"] == DEFAULT_AMBR250_DESIGN_SPACE.low[::-1].tolist()


def test_a_day_of_the_prior_is_the_same_in_any_order():
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector()[:, None]
    at = layout_of()
    here = advance(at, at.default_state[:, None], nominal, np.zeros((at.n_parameters, 1)), 24.0, at.medium)[:, 0]
    np.testing.assert_allclose(_reordered()["after"][::-1], here, rtol=1e-9)
