"""Checkpoints: what comes back is the same model bit by bit, or a sentence why not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as arrays_from_bytes

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import CheckpointRefused, ModelError
from perfusio.hybrid import checkpoints
from perfusio.hybrid.checkpoints import ABOUT, ARRAYS, data_sha256, load, load_any, read_checkpoint, save
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.stored.packing import Packer, unpack
from perfusio.kinetics import parameters
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.process import CHO_PERFUSION, Medium
from perfusio.state import SETPOINTS, SPECIES

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


@pytest.fixture(scope="module")
def runs():
    recipes = {"R1": NOMINAL, "R2": replace(NOMINAL, bleed_rate=0.25), "R3": replace(NOMINAL, temperature=35.5)}
    return simulate_runs(CLONE_X, recipes, days=7, seed=3)


@pytest.fixture(scope="module")
def model(runs):
    return HybridModel().fit(runs[:2])


@pytest.fixture
def folder(tmp_path, model, runs):
    save(model, tmp_path / "model", trajectories=runs[:2], scores={"hybrid": {"1": {"vcd": {"rrmse": 0.1}}}})
    return tmp_path / "model"


def forecast(model, trajectory):
    plan = [trajectory.setpoints[-1]] * 10
    return model.rollout(trajectory, [plan], interval_hours=24.0, n_paths=32, seed=5)[0]


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("times_h", "mean", "sd", "samples"))


def test_a_loaded_model_is_the_saved_one_bit_by_bit(folder, model, runs):
    checkpoint = read_checkpoint(folder)
    again = checkpoint.model
    assert again.model_id == load(folder).model_id == model.model_id
    assert same(forecast(again, runs[2]), forecast(model, runs[2]))
    assert same(forecast(again, checkpoint.training[0]), forecast(model, runs[0]))
    for ours, theirs in zip(again.process.residual.processes, model.process.residual.processes, strict=True):
        assert np.array_equal(ours.factor, theirs.factor)
        assert ours.factor.flags.f_contiguous == theirs.factor.flags.f_contiguous


def test_a_loaded_model_learns_on_like_the_saved_one(folder, model, runs):
    assert load(folder).condition(runs[2:]).model_id == model.condition(runs[2:]).model_id
    assert load(folder).fit(runs).model_id == model.fit(runs).model_id


def test_the_prior_alone_can_be_saved_and_has_no_runs(tmp_path):
    save(HybridModel(), tmp_path, trajectories=())
    assert load(tmp_path).model_id == HybridModel().model_id


def test_training_runs_come_back_with_gaps_remarks_and_setpoints(folder, runs):
    checkpoint = read_checkpoint(folder)
    assert data_sha256(checkpoint.training) == checkpoint.about["data_sha256"] == data_sha256(runs[:2])
    for ours, theirs in zip(checkpoint.training, runs, strict=False):
        assert (ours.reactor_id, ours.run_id, ours.clone) == (theirs.reactor_id, theirs.run_id, theirs.clone)
        assert ours.setpoints == theirs.setpoints
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert [s.diameter for s in ours.states] == pytest.approx([s.diameter for s in theirs.states], nan_ok=True)
        assert [dict(s.quality) for s in ours.states] == [dict(s.quality) for s in theirs.states]
    assert checkpoint.model.beliefs["R1"].trajectory is checkpoint.training[0]


def test_the_json_says_what_the_model_is(folder, model):
    about = json.loads((folder / ABOUT).read_text())
    assert about["format"] == checkpoints.FORMAT
    assert about["model_id"] == model.model_id
    assert (about["species"], about["setpoints"]) == (list(SPECIES), list(SETPOINTS))
    assert about["parameters"][0] == "growth"
    assert (about["n_runs"], about["n_samples"]) == (2, 16)
    assert {"perfusio", "python", "numpy", "scipy", "safetensors"} <= set(about["written_by"])
    assert read_checkpoint(folder).about["scores"] == {"hybrid": {"1": {"vcd": {"rrmse": 0.1}}}}


def test_the_same_model_gives_the_same_bytes(folder, tmp_path, model, runs):
    save(model, tmp_path / "twice", trajectories=runs[:2])
    assert (folder / ARRAYS).read_bytes() == (tmp_path / "twice" / ARRAYS).read_bytes()


def test_the_data_hash_sees_every_number(runs):
    first = runs[0]
    other = replace(first.states[3], glucose=first.states[3].glucose + 1e-9)
    changed = replace(first, states=(*first.states[:3], other, *first.states[4:]))
    bleed = replace(first, setpoints=(replace(first.setpoints[0], bleed_rate=0.16), *first.setpoints[1:]))
    assert len({data_sha256([t]) for t in (first, changed, bleed, replace(first, run_id="x"))}) == 4


@pytest.mark.parametrize("name", [ABOUT, ARRAYS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointRefused, match=rf"(?s){name} cannot be read.*Check the path"):
        load(folder)


def test_every_changed_byte_of_the_arrays_is_found(folder):
    content = (folder / ARRAYS).read_bytes()
    for at in np.linspace(0, len(content) - 1, 12).astype(int):
        (folder / ARRAYS).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(CheckpointRefused, match=r"changed since.*Restore both files"):
            load(folder)
    (folder / ARRAYS).write_bytes(content)
    load(folder)


def edited(folder, change):
    about = json.loads((folder / ABOUT).read_text())
    change(about)
    (folder / ABOUT).write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.update(format=1), "has format 1, written by perfusio"),
        (lambda a: a["species"].reverse(), r"the species of the model are titer.*expected vcd"),
        (lambda a: a["setpoints"].pop(), "the setpoints of the model are"),
        (lambda a: a.update(parameters=["growth"]), "the parameters of the model are growth, expected growth, death"),
        (lambda a: a.update(own_rates=["growth"]), "the own_rates of the model are growth"),
        (lambda a: a.pop("format"), "is not what perfusio writes"),
        (lambda a: a["tree"]["model"]["fields"].update(beliefs={"map": []}), f"{ABOUT} in .* changed since"),
        (lambda a: a.update(model_id="0" * 12), "make another one"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(folder, change, words):
    edited(folder, change)
    with pytest.raises(CheckpointRefused, match=words) as refused:
        load(folder)
    assert "perfusio fit" in str(refused.value)
    assert refused.value.exit_code == 3


def test_a_model_of_another_shape_is_refused(folder):
    def with_a_field_of_tomorrow(about):
        about["tree"]["model"]["fields"]["tomorrow"] = 1
        about["tree_sha256"] = checkpoints._tree_sha256(about["tree"])

    edited(folder, with_a_field_of_tomorrow)
    with pytest.raises(CheckpointRefused, match=r"another shape: HybridModel with .*tomorrow"):
        load(folder)


def test_what_is_not_json_is_refused(folder):
    (folder / ABOUT).write_text("not json")
    with pytest.raises(CheckpointRefused, match="is not what perfusio writes"):
        load(folder)


def test_what_a_checkpoint_cannot_hold_is_named():
    with pytest.raises(ModelError, match=r"model\.x is nan of type float"):
        Packer().pack({"x": float("nan")}, "model")
    with pytest.raises(ModelError, match=r"of type object.*packing\.CLASSES"):
        Packer().pack(object(), "model")


@pytest.mark.parametrize(
    "value", [np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3).T, np.tril(np.ones((3, 3))), np.zeros((0, 4)),
              np.arange(12.0)[::2], np.array([1, 2]), np.array([True]), np.array([np.nan, -np.inf])]
)  # fmt: skip
def test_arrays_come_back_in_value_type_and_order(value):
    packer = Packer()
    node = packer.pack(value, "x")
    again = unpack(json.loads(json.dumps(node)), packer.arrays, ())
    np.testing.assert_array_equal(again, value)
    assert again.dtype == value.dtype
    assert again.flags.c_contiguous == (value.flags.c_contiguous or not value.flags.f_contiguous)


def test_the_factor_is_stored_as_a_triangle(folder, model):
    n = len(model.process.residual.processes[0].y)
    stored = arrays_from_bytes((folder / ARRAYS).read_bytes())
    assert stored["model.process.residual.processes.vcd.factor"].shape == (n * (n + 1) // 2,)


def test_loading_needs_no_torch(folder):
    code = (
        "import sys; from perfusio.hybrid.checkpoints import load; load(sys.argv[1]); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


BEFORE = Path(__file__).parents[2] / "fixtures" / "checkpoint-v2"
"""Written by a version that knew the default panel only: one model with a fed run, and models of two clones."""


def test_a_checkpoint_from_before_processes_is_read_and_forecasts_as_it_did():
    checkpoint = read_checkpoint(BEFORE / "one")
    (run,) = checkpoint.training
    assert checkpoint.model.model_id == json.loads((BEFORE / "one" / ABOUT).read_text())["model_id"]
    belief = checkpoint.model.beliefs["R1"]
    ahead = checkpoint.model.process.mean_step(belief.mean[:, None], *_step_of(belief))[:, 0]
    said = json.loads((BEFORE / "one" / "forecast.json").read_text())["next_latent"]
    assert ahead == pytest.approx(np.array(said), rel=1e-9)
    assert data_sha256(checkpoint.training) == checkpoint.about["data_sha256"]
    assert next(f for f in run.feeds if f).glucose == 30.0


def test_models_of_clones_from_before_processes_are_read():
    models = load_any(BEFORE / "clones")
    assert sorted(models.models) == ["A", "B"]
    assert models.panel is CHO_PERFUSION


def test_parameters_and_processes_are_stored_by_name(folder, model):
    fields = json.loads((folder / ABOUT).read_text())["tree"]["model"]["fields"]["process"]["fields"]
    rates = fields["log_factors"]["numbers"]
    assert rates["growth"] == model.process.log_factors[0]
    named = fields["residual"]["fields"]["processes"]["named"]
    assert set(named) == set(SPECIES)
    lengths = named["vcd"]["fields"]["h"]["fields"]["log_lengthscales"]["numbers"]
    assert list(lengths) == [*SPECIES, *SETPOINTS, "culture day"]


def test_by_their_names_arrays_find_their_places_in_another_order(folder, model, monkeypatch):
    """A later version may list the laws in another order: rates, beliefs and forecasts stay what they were."""
    law = parameters.SHAPES
    monkeypatch.setattr(parameters, "SHAPES", law[::-1])
    monkeypatch.setattr(parameters, "RATES", parameters.RATES[::-1])
    layout_of.cache_clear()
    try:
        again = load(folder)
        at = again.process.layout
        assert at.parameters[0] == "productivity"
        assert dict(zip(at.parameters, again.process.log_factors, strict=True)) == dict(
            zip(model.process.layout.parameters, model.process.log_factors, strict=True)
        )
        ours, theirs = again.beliefs["R1"], model.beliefs["R1"]
        assert again.estimate(theirs.trajectory).vector() == pytest.approx(model.estimate(theirs.trajectory).vector())
        growth = at.rates.start + at.parameters.index("growth")
        before = model.process.layout.rates.start
        assert (ours.mean[growth], ours.cov[growth, growth]) == (theirs.mean[before], theirs.cov[before, before])
        species, _ = model.process.mean_step(theirs.mean[:, None], *_step_of(theirs)), None
        moved = again.process.mean_step(ours.mean[:, None], *_step_of(ours))
        assert moved == pytest.approx(species, rel=1e-9)
    finally:
        layout_of.cache_clear()


def _step_of(belief):
    u = belief.trajectory.setpoints[-1].vector()[:, None]
    return u, np.zeros(1), np.full(1, 24.0), layout_of().medium


def test_the_data_hash_sees_the_medium(runs):
    leaner = replace(runs[0], medium=Medium(glucose=5.0, glutamine=2.0))
    named = replace(runs[0], medium=CHO_PERFUSION.medium)
    assert data_sha256([leaner]) != data_sha256(runs[:1]) == data_sha256([named])
