"""`[policy]`: limits that vessels share, from the file into the decisions, kept for a resumed run and a replay."""

import pytest
from typer.testing import CliRunner

from perfusio.bed.policy import BEDPolicy
from perfusio.bed.shared_limits import SharedLimit
from perfusio.cli.app import app
from perfusio.cli.experiment_file.experiment import load
from perfusio.cli.experiment_file.policy import PolicySettings, SharedSettings, limits_of, policy_of
from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION, Setpoint
from perfusio.record.verification.verify import read_records
from perfusio.twin.deciding.policy_memory import as_recorded
from perfusio.twin.replay import Replay

TOML = """
[run]
duration_days = 1
run_dir = "results"
n_paths = 16
forecast_days = 3

[connector]
kind = "simulated"
n_vessels = 2

[policy]
shared = [{high = 1.6}]
"""


@pytest.fixture
def write(tmp_path):
    def writer(text=TOML):
        path = tmp_path / "experiment.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def test_a_limit_is_read_with_its_defaults(write):
    assert limits_of(load(write(), {}, environ={}).policy) == (SharedLimit(high=1.6),)
    pump = TOML.replace("{high = 1.6}", '{high = 0.4, setpoint = "bleed_rate", reactors = ["R01", "R02"]}')
    (limit,) = limits_of(load(write(pump), {}, environ={}).policy)
    assert limit == SharedLimit(high=0.4, setpoint="bleed_rate", reactors=("R01", "R02"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{high = 0}", "leaves nothing to share"),
        ('{high = 2, setpoint = "perfusion"}', "Did you mean 'perfusion_rate'"),
        ("{hihg = 2}", "Did you mean 'high'"),
        ("{}", "high"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_name_of_the_file(write, text, words):
    with pytest.raises(ConfigError, match=words) as refused:
        load(write(TOML.replace("{high = 1.6}", text)), {}, environ={})
    assert str(refused.value).startswith("experiment.toml: ")


def test_a_vessel_that_is_not_there_shares_nothing():
    settings = PolicySettings(shared=(SharedSettings(high=2.0, reactors=("R1",)),))
    with pytest.raises(ConfigError, match=r"no vessel 'R1'.*R01, R02"):
        policy_of(settings, ["R01", "R02"])


def test_a_run_keeps_to_it_and_its_replay_knows_it(write, tmp_path):
    result = CliRunner().invoke(app, ["run", str(write())])
    assert result.exit_code == 0, result.exception
    decided = [r.to_event() for r in read_records(tmp_path / "results" / "audit.jsonl") if r.event == "Decided"]
    assert sum(e.setpoints.perfusion_rate for e in decided) <= 1.6 + 1e-6
    started = next(read_records(tmp_path / "results" / "audit.jsonl")).to_event()
    assert as_recorded(started.config) == BEDPolicy(shared=(SharedLimit(high=1.6),))
    again = CliRunner().invoke(app, ["replay", str(tmp_path / "results")])
    assert (again.exit_code, again.stdout) == (0, "2 decisions made again: all equal to the last bit.\n")
    assert any(c.difference for c in Replay(tmp_path / "results", BEDPolicy()).compared())


def test_what_is_shared_may_be_a_setpoint_of_another_process():
    panel = CHO_PERFUSION.without("pyruvate_feed").with_(Setpoint("air", unit="L/h", role="condition"))
    settings = PolicySettings(shared=[{"high": 9.0, "setpoint": "air"}], process=panel)
    assert limits_of(settings) == (SharedLimit(high=9.0, setpoint="air", process=panel),)
    with pytest.raises(ConfigError, match="'pyruvate_feed' is not a setpoint"):
        PolicySettings(shared=[{"high": 9.0, "setpoint": "pyruvate_feed"}], process=panel)
    assert "process" not in settings.model_dump()
