"""ModelFreeMPC as a policy: its promises, its settings on record, and a run that goes on with it and is replayed."""

import pytest
from typer.testing import CliRunner

from perfusio.bed.model_free.policy import ModelFreeMPC
from perfusio.cli.app import app
from perfusio.cli.experiment_file.policy import PolicySettings, policy_of
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.errors import ConfigError
from perfusio.objective import maximize, track
from perfusio.process import CHO_PERFUSION
from perfusio.record.verification.verify import read_records
from perfusio.testing import GrowingModel, check_policy
from perfusio.testing.models import example_trajectory
from perfusio.twin.deciding.policy_memory import as_recorded

TOML = """
[run]
duration_days = 2
run_dir = "results"
n_paths = 16
forecast_days = 3

[connector]
kind = "simulated"

[policy]
kind = "model-free-mpc"
cspr = 0.03
"""


def test_keeps_the_promises_of_a_policy():
    check_policy(ModelFreeMPC)


def test_says_density_growth_and_the_limit_that_is_kept_least_surely():
    run = example_trajectory(CHO_PERFUSION, reactor="R01")
    config = RunConfig(duration_days=4, forecast_days=3, n_paths=16)
    found = ModelFreeMPC().decide({"R01": run}, {"R01": SPACE.nominal}, GrowingModel(), SPACE, config, day=1)["R01"]
    assert "by filtered counts, growth" in found.reason.text
    assert found.reason.limiting in [str(c) for c in config.constraints]
    assert 0.0 <= found.reason.limiting_probability <= 1.0
    assert found.plan[0] == found.setpoints


def test_a_run_without_a_density_to_hold_is_refused():
    config = RunConfig(duration_days=4, objective=maximize("productivity"))
    with pytest.raises(ConfigError, match=r"holds a density.*maximize productivity"):
        ModelFreeMPC().check(config)
    ModelFreeMPC(target=40.0).check(config)
    assert ModelFreeMPC().density_of(RunConfig(duration_days=4, objective=track(vcd=25))) == 25.0
    with pytest.raises(ConfigError, match="one bleed"):
        ModelFreeMPC().check(RunConfig(duration_days=4, process=CHO_PERFUSION.without("bleed_rate")))


@pytest.mark.parametrize("wrong", [{"cspr": 0.0}, {"cspr": 25.0}, {"target": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ConfigError, match="expected"):
        ModelFreeMPC(**wrong)


def test_settings_of_another_kind_do_not_vanish():
    with pytest.raises(ConfigError, match="cspr: a policy of kind 'bed' has no such setting"):
        PolicySettings(cspr=0.02)
    with pytest.raises(ConfigError, match="shared: a policy of kind 'model-free-mpc'"):
        PolicySettings(kind="model-free-mpc", shared=[{"high": 2.0}])
    assert policy_of(PolicySettings(kind="model-free-mpc", target=40.0), []) == ModelFreeMPC(target=40.0)


def test_a_run_records_it_and_its_replay_is_equal(tmp_path):
    (tmp_path / "experiment.toml").write_text(TOML)
    result = CliRunner().invoke(app, ["run", str(tmp_path / "experiment.toml")])
    assert result.exit_code == 0, result.output
    records = list(read_records(tmp_path / "results" / "audit.jsonl"))
    assert as_recorded(records[0].to_event().config) == ModelFreeMPC(cspr=0.03)
    assert [r.to_event().acquisition for r in records if r.event == "Decided"] == ["model-free-mpc"] * 2
    again = CliRunner().invoke(app, ["replay", str(tmp_path / "results")])
    assert (again.exit_code, again.stdout) == (0, "2 decisions made again: all equal to the last bit.\n")
    verified = CliRunner().invoke(app, ["verify", str(tmp_path / "results" / "audit.jsonl")])
    assert verified.exit_code == 0
