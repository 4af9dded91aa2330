"""Every decision of a run can be made again from its record; where one differs, it is named."""

from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from perfusio.bed.policy import BEDPolicy
from perfusio.config import track
from perfusio.errors import AuditError, ConfigError
from perfusio.hybrid.model import HybridModel
from perfusio.state import Setpoints
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.replay import Replay, _differ
from perfusio.twin.vessels import Vessel


def vessels(n_days=3):
    one = {r: ScriptedConnector([make_state(day=d, vcd=v + d) for d in range(n_days + 1)])
           for r, v in (("R01", 10.0), ("R02", 14.0))}  # fmt: skip
    return one | {"R03": Vessel(connector=vessel_of(n_days), objective=track(vcd=12.0))}


def vessel_of(n_days):
    return ScriptedConnector([make_state(day=d) for d in range(n_days + 1)])


async def test_with_the_models_that_were_saved_all_are_equal(run_twin, tmp_path):
    await run_twin(vessels(), days=3, retrain_every=2, model=HybridModel(), policy=BEDPolicy())
    compared = list(Replay(tmp_path, BEDPolicy()).compared())
    assert [(c.reactor, c.turn) for c in compared] == [(r, d) for d in range(3) for r in ("R01", "R02", "R03")]
    assert [c.difference for c in compared] == [""] * 9


async def test_another_policy_is_found_out(run_twin, alternating, persistence, tmp_path):
    await run_twin(vessels(), days=3, retrain_every=9)
    assert not any(c.difference for c in Replay(tmp_path, alternating, persistence).compared())

    class Warmer(type(alternating)):
        def decision(self, trajectory, current, model, config, day):
            made = super().decision(trajectory, current, model, config, day)
            warmer = replace(made.setpoints, temperature=made.setpoints.temperature + 0.1)
            return replace(made, setpoints=warmer) if (trajectory.reactor_id, day) == ("R02", 1) else made

    found = [c for c in Replay(tmp_path, Warmer(), persistence).compared() if c.difference]
    assert [(c.reactor, c.turn) for c in found] == [("R02", 1)]
    assert found[0].difference == "temperature 36.5 on record, 36.6 now [°C]"


async def test_another_model_is_found_out(run_twin, alternating, persistence, tmp_path):
    await run_twin(vessels(), days=3, retrain_every=2)  # a refit whose model was not saved
    found = [c for c in Replay(tmp_path, alternating, persistence).compared() if c.difference]
    assert found == []  # the decision of day 2 was made before the refit
    other = replace(persistence, version=7)
    assert "the model is another" in next(iter(Replay(tmp_path, alternating, other).compared())).difference
    with pytest.raises(AuditError, match="was not saved beside its record"):
        list(Replay(tmp_path, alternating).compared())


@pytest.mark.parametrize(("share", "is_equal"), [(1e-9, True), (1e-3, False)])
def test_a_tolerance_forgives_rounding_and_nothing_more(share, is_equal):
    on_record = Setpoints(perfusion_rate=1.0, bleed_rate=0.1, temperature=37.0)
    moved = replace(on_record, bleed_rate=0.1 * (1.0 + share))
    assert _differ(on_record.bleed_rate, moved.bleed_rate, 1e-6) != is_equal
    assert _differ(on_record.bleed_rate, moved.bleed_rate, 0.0)
    assert not _differ(nan, nan, 0.0)
    assert _differ(nan, 0.0, 1e-6)
    with pytest.raises(ConfigError, match="tolerance of 2 says nothing"):
        Replay(Path(), tolerance=2.0)
