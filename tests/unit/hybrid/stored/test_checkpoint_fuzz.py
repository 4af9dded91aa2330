"""Whatever a checkpoint holds, with right hashes or not: the same model again, or a sentence why not."""

import hashlib
import json
from copy import deepcopy
from random import Random

import pytest
from safetensors.numpy import load as arrays_from_bytes
from safetensors.numpy import save as bytes_from_arrays

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import CheckpointRefused
from perfusio.hybrid import checkpoints
from perfusio.hybrid.checkpoints import ABOUT, ARRAYS, load_any, save
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

ODD = (None, True, 0, -1, 3, 10**9, 1e308, float("nan"), "", "x", "model", [], [1], {}, {"array": "x", "order": "C"},
       {"array": "model", "order": "F", "lower": 10**9}, {"run": 99}, {"class": "os", "fields": {}},
       {"class": "HybridModel", "fields": {}}, {"map": [[1]]}, {"map": 3}, {"run": "x"})  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    runs = simulate_runs(CLONE_X, {"R1": DEFAULT_AMBR250_DESIGN_SPACE.nominal}, days=5, seed=3)
    folder = tmp_path_factory.mktemp("model")
    save(HybridModel().condition(runs), folder, trajectories=runs)
    return json.loads((folder / ABOUT).read_bytes()), (folder / ARRAYS).read_bytes()


def nodes(tree):
    """Every container within a tree."""
    yield tree
    for value in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(value, dict | list):
            yield from nodes(value)


def spoil(tree, rng):
    node = rng.choice([n for n in nodes(tree) if n])
    key = rng.choice([*node]) if isinstance(node, dict) else rng.randrange(len(node))
    if rng.random() < 0.3:
        del node[key]
    elif isinstance(node, dict) and rng.random() < 0.2:
        node[f"{key}x"] = node.pop(key)
    else:
        node[key] = deepcopy(rng.choice(ODD))


def judged(folder):
    said = ""
    try:
        load_any(folder)
    except CheckpointRefused as error:
        said = str(error)
    assert not said or ("perfusio" in said and len(said) > 60)
    return bool(said)


@pytest.mark.parametrize("seed", range(6))
def test_a_tree_that_holds_anything_is_refused_in_a_sentence(saved, tmp_path, seed):
    about, arrays, rng = saved[0], saved[1], Random(seed)
    (tmp_path / ARRAYS).write_bytes(arrays)
    n_refused = 0
    for _ in range(60):
        changed = deepcopy(about)
        spoil(changed["tree"] if rng.random() < 0.8 else changed, rng)
        if isinstance(changed.get("tree"), dict | list) and rng.random() < 0.9:
            changed["tree_sha256"] = checkpoints._tree_sha256(changed["tree"])
        (tmp_path / ABOUT).write_text(json.dumps(changed))
        n_refused += judged(tmp_path)
    assert n_refused > 40


@pytest.mark.parametrize("seed", range(4))
def test_arrays_that_hold_anything_are_refused_in_a_sentence(saved, tmp_path, seed):
    about, raw, rng = dict(saved[0]), saved[1], Random(seed)
    n_refused = 0
    for _ in range(40):
        way = rng.randrange(4)
        if way == 0:
            data = raw[: rng.randrange(len(raw))]
        elif way == 1:
            data = rng.randbytes(rng.randrange(200))
        elif way == 2:  # a header that promises more than there is
            data = (10**18).to_bytes(8, "little") + raw[8:]
        else:
            arrays = dict(arrays_from_bytes(raw))
            name = rng.choice([*arrays])
            one = arrays[name]
            arrays[name] = rng.choice((one.ravel()[:1], one[None], -one, one * float("nan")))
            data = bytes_from_arrays({k: v.copy() for k, v in arrays.items()})
        (tmp_path / ARRAYS).write_bytes(data)
        about["arrays_sha256"] = hashlib.sha256(data).hexdigest()
        (tmp_path / ABOUT).write_text(json.dumps(about))
        n_refused += judged(tmp_path)
    assert n_refused > 25


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "3", '"format"', "{", '{"format": 2}', '{"format": {}}', "[" * 100_000, "\x00",
        '{"format": 1, "written_by": 3}', '{"format": 2, "species": 3}', '{"format": NaN}',
    ],
)  # fmt: skip
def test_a_json_of_another_kind_is_refused_in_a_sentence(saved, tmp_path, text):
    (tmp_path / ARRAYS).write_bytes(saved[1])
    (tmp_path / ABOUT).write_text(text)
    assert judged(tmp_path)
