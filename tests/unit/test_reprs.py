"""What people print is one short line that says what it is."""

import numpy as np
import pytest

import perfusio
from perfusio import DEFAULT_AMBR250_DESIGN_SPACE, Forecast, HybridModel, RunConfig, State, Trajectory
from perfusio.bed.campaigns.recommendation import Recommendation
from perfusio.decision import Decision, Reason
from perfusio.hybrid.rivals.forecasters import Persistence
from perfusio.process import CHO_PERFUSION, Medium
from perfusio.record.verification.verify import Problem, VerifyReport
from perfusio.study.backtest import backtest
from perfusio.twin.outcome import Outcome, RunResult

FORECAST = Forecast.from_samples(np.array([24.0, 48.0]), np.full((16, 2, 9), 5.0))
HELD = DEFAULT_AMBR250_DESIGN_SPACE.nominal.with_values(bleed_rate=0.1)
RUN = Trajectory(reactor_id="R01", clone="Y", states=tuple(State(time_h=24.0 * d, vcd=5.0) for d in range(3)),
                 setpoints=(HELD, HELD))  # fmt: skip
REASON = Reason(text="It holds.", improvement=0.0, limiting="", limiting_probability=1.0, feasible=True)
DECISION = Decision(reactor_id="R01", setpoints=HELD, chosen=FORECAST, hold=FORECAST, reason=REASON,
                    acquisition="LogEI", score=0.0, model_id="x")  # fmt: skip
REPORT = {"n_records": 9, "run_id": "a", "head": "5c1", "first_ts": "", "last_ts": ""}
RESULT = {"trajectories": {"R01": RUN}, "audit_path": None, "n_samples": 3, "n_decisions": 2}

LINES = [
    (RUN, "<Trajectory R01: 3 samples over days 0 to 2, clone Y>"),
    (Trajectory(reactor_id="R02"), "<Trajectory R02: 0 samples>"),
    (FORECAST, "<Forecast of 9 species, days 1 to 2, 16 paths>"),
    (FORECAST["vcd"], "<vcd: 5 +- 0 on day 2>"),
    (HybridModel(), f"<HybridModel {HybridModel().model_id}: the mechanistic prior, no data>"),
    (RunConfig(duration_days=14), "<RunConfig: 14 days, objective: hold vcd at 30 1e6 cells/mL>"),
    (RunConfig(duration_days=2, seed=7, constraints=()),
     "<RunConfig: 2 days, objective: hold vcd at 30 1e6 cells/mL, constraints: none, seed: 7>"),
    (REASON, "<Reason: It holds.>"),
    (RunResult(outcome=Outcome.STOPPED, **RESULT),
     "<RunResult STOPPED: R01; 3 samples, 2 decisions; no record of its own>"),
    (VerifyReport(outcome="COMPLETED", problems=(), **REPORT),
     "<VerifyReport: intact; 9 records, run COMPLETED, head 5c1>"),
    (VerifyReport(outcome=None, problems=(Problem(line=3, what="was changed"),), **REPORT),
     "<VerifyReport: 1 problem, first line 3 was changed; 9 records, run unfinished, head 5c1>"),
    (Medium(glucose="45 mmol/L", glutamine=2.0), "Medium(glucose='45 mmol/L', glutamine=2.0)"),
    (perfusio.Campaign(HybridModel(), days=14), "<Campaign: maximize productivity [mg/L/day]; 0 runs, 0 recipes wait>"),
    (backtest({"hybrid": Persistence()}, [RUN], horizons=(1,)),
     "<Backtest of hybrid at horizons 1, trajectory; see board.table()>"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "line"), LINES, ids=lambda one: type(one).__name__)
def test_it_prints_as(given, line):
    assert repr(given) == line
    assert str(given) == line or type(given).__str__ is not object.__str__


def test_those_with_many_quantities_name_them_all():
    assert "bleed_rate 0.05 to 0.3 1/day" in repr(DEFAULT_AMBR250_DESIGN_SPACE)
    assert "agitation held at 850 rpm" in repr(DEFAULT_AMBR250_DESIGN_SPACE.holding(agitation=850.0))
    assert repr(CHO_PERFUSION).startswith("<Process 'CHO cells in perfusion': measured vcd, viability")
    assert repr(DECISION).startswith("<Decision for R01: perfusion_rate 1, bleed_rate 0.1, ")
    assert repr(DECISION).endswith(" It holds.>")
    one = Recommendation(name="R05", setpoints=HELD, limits={}, why="fills the space")
    assert repr(one).startswith("<Recommendation R05: perfusion_rate 1, ")
    assert max(map(len, map(repr, (DEFAULT_AMBR250_DESIGN_SPACE, CHO_PERFUSION, DECISION, one)))) < 300


def test_a_model_says_what_it_learnt_from_and_follows():
    model = HybridModel().condition([RUN])
    assert repr(model).endswith("the mechanistic prior, no data, follows R01>")
