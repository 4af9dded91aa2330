"""The sets of bench_foreign: which culture, which runs, and what may be chosen on them. Declared before the first run.

CHOOSING is looked at as often as one likes; REPORTING once per published figure, and nothing is chosen on it. Clones
and data seeds of the two never meet. Real cultures are few, so the workbook with three cultures is in both, and the
three cultures of CHO-T127 are reported only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import foreign_fed_batch as fed_batch
from model_cases import FACTORS, SPACE, cultivated, training
from perfusio.plant.clones import Clone
from perfusio.plant.families import clone_named
from perfusio.plant.medium import Medium as Inflow
from perfusio.plant.parameters import names_in
from perfusio.process import Medium
from perfusio.state import SPECIES
from perfusio.trajectory import Trajectory

Runs = tuple[Trajectory, ...]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CHOOSING, REPORTING = "choosing", "reporting"
N_MOST = 20
"""Training runs of a set where more than the model's are simulated: a rival may learn from all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Runs of one case: those to learn from, in order, those to forecast, and their truth; None = measurements.

    Attributes:
        training: The first `n` are learnt from; the rest are for rivals that are given more.
        tests: To be forecast.
        truth: Of the tests.
        n: How many the model learns from.
    """

    training: Runs
    tests: Runs
    truth: Runs | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fit and its forecasts.

    Attributes:
        group: The set: cells of all its cases are pooled.
        name: Of the case.
        purpose: CHOOSING or REPORTING.
        make: Returns the material; None where data are absent.
        horizons: Days ahead.
        is_quick: Whether the quick form runs it.
    """

    group: str
    name: str
    purpose: str
    make: Callable[[], Material | None]
    horizons: tuple[int, ...] = (1, 3, 7)
    is_quick: bool = False

    @property
    def key(self) -> str:
        """File name of its results."""
        return f"{self.purpose}-{self.group}-{self.name}".replace(" ", "_").replace("/", "_")


def declared(clone: Clone) -> Medium:
    """Return the medium of a clone as a person declares it, as far as the process has its species."""
    held = {name: float(getattr(clone.medium, name)) for name in names_in(Inflow) if name in SPECIES}
    return Medium(**{name: value for name, value in held.items() if value > 0.0})


def perfusion(
    clone: str, *, seed: int, n: int, days: int = 14, n_tests: int = 5, is_told: bool = True, **inflow: float
) -> Material:
    """Return a Latin hypercube of constant setpoints to learn from, and tests: half constant, half moving daily.

    Args:
        clone: Its name.
        seed: Of everything.
        n: Runs for the model.
        days: Of each run.
        n_tests: Runs to forecast.
        is_told: Whether the runs say which medium flows in.
        inflow: Concentrations of the medium that differ from the clone's, by species.
    """
    of = clone_named(clone)
    if inflow:
        of = replace(of, medium=replace(of.medium, **inflow))
    runs = training(of, days=days, seed=seed, n_runs=N_MOST)
    order = np.random.default_rng(seed).permutation(len(runs))
    rng = np.random.default_rng(seed + 1)
    low, high, step = (
        np.array([getattr(SPACE.bounds[f], end) for f in FACTORS]) for end in ("low", "high", "max_step")
    )
    plans = []
    for i in range(n_tests):
        plan = np.tile(rng.uniform(low, high), (days, 1))
        for day in range(1, days if i % 2 else 0):
            plan[day] = np.clip(plan[day - 1] + rng.uniform(-step, step), low, high)
        plans.append(plan)
    tests = cultivated(of, plans, seed=seed + 2)
    medium = declared(of) if is_told else None
    told = [tuple(replace(t, medium=medium) for t in some) for some in (runs, tests.measured, tests.true)]
    return Material(training=tuple(told[0][i] for i in order), tests=told[1], truth=told[2], n=n)


def fed(
    number: int, *, seed: int, n: int, collapses: bool, productivity: float | None = None, every: int = 1,
    only: Sequence[str] = (), days: int = 14, n_tests: int = 5,
) -> Material:  # fmt: skip
    """Return fed-batches of one clone of `foreign_fed_batch`."""
    clone = fed_batch.drawn(number, collapses=collapses, productivity=productivity)
    run = partial(fed_batch.cultures, clone, days=days, every=every, only=only, name=f"F{number}")
    seen, _ = run(N_MOST, seed=seed)
    tests, truth = run(n_tests, seed=seed + 1)
    tests, truth = (tuple(replace(t, reactor_id=f"T-{t.reactor_id}", run_id=f"T-{t.run_id}") for t in of)
                    for of in (tests, truth))  # fmt: skip
    return Material(training=seen, tests=tests, truth=truth, n=n)


def workbook(held_out: int) -> Material | None:
    """Return the real workbook with one culture to be forecast."""
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.runs_from_workbook import read_workbook

    path = DATA / "cdppy_real_cho" / "Package_input_Example.xlsx"
    if not path.exists():
        return None
    mapped = read_column_map(Path(__file__).resolve().parents[1] / "examples" / "08_mapping.toml")
    runs = read_workbook(path, mapped, on_remark=lambda _: None)
    rest = tuple(r for i, r in enumerate(runs) if i != held_out)
    return Material(training=rest, tests=(runs[held_out],), truth=None, n=len(rest))


def two_clones(held_out: int) -> Material | None:
    """Return the three real cultures of CHO-T127, one of them to be forecast."""
    from perfusio.process.document import read_process
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.runs_from_files import read_runs

    folder, examples = DATA / "cho_two_clones", Path(__file__).resolve().parents[1] / "examples"
    if not folder.exists():
        return None
    panel = read_process(examples / "10_process.toml")
    runs = read_runs(folder, column_map=read_column_map(examples / "10_mapping.toml", panel), panel=panel)
    rest = tuple(r for i, r in enumerate(runs) if i != held_out)
    return Material(training=rest, tests=(runs[held_out],), truth=None, n=len(rest))


def _cases(purpose: str, clones: dict[str, Sequence[str]], numbers: Sequence[int], seed: int) -> list[Case]:
    found = []

    def add(group: str, name: str, make: Callable[[], Material | None], **more: object) -> None:
        found.append(Case(group=group, name=name, purpose=purpose, make=make, **more))  # type: ignore[arg-type]

    for i, name in enumerate(clones["own"]):
        add("own", name, partial(perfusion, name, seed=seed + i, n=8), is_quick=i == 0)
        add("own, glutamine 2 not told", name, partial(perfusion, name, seed=seed + i, n=8, is_told=False,
            glutamine=2.0))  # fmt: skip
    for i, name in enumerate(clones["own2"]):
        add("own2", name, partial(perfusion, name, seed=seed + 20 + i, n=8))
    for i, name in enumerate(clones["plant Y"]):
        add("plant Y", name, partial(perfusion, name, seed=seed + 40 + i, n=8))
        add("plant Y, medium not told", name, partial(perfusion, name, seed=seed + 40 + i, n=8, is_told=False))
    for i, name in enumerate(clones["third"]):
        add("third structure", name, partial(perfusion, name, seed=seed + 60 + i, n=8))
    for i, number in enumerate(numbers):
        add("fed-batch", f"F{number}", partial(fed, number, seed=seed + 80 + i, n=6, collapses=False))
        add("collapse", f"F{number}", partial(fed, number, seed=seed + 90 + i, n=6, collapses=True), is_quick=i == 0)
        add("two of nine, days apart", f"F{number}", partial(fed, number, seed=seed + 100 + i, n=12, collapses=True,
            every=2, only=("vcd", "viability")), horizons=(2, 4, 7))  # fmt: skip
        for p in (1.0, 90.0):
            add(f"productivity {p:g}", f"F{number}", partial(fed, number, seed=seed + 110 + i, n=3, collapses=False,
                productivity=p))  # fmt: skip
    for k in range(3):
        add("workbook of three cultures", f"without {k}", partial(workbook, k), horizons=(1, 3))
        if purpose == REPORTING:
            add("CHO-T127, three cultures", f"without {k}", partial(two_clones, k), horizons=(1, 3))
    return found


CASES: tuple[Case, ...] = (
    *_cases(CHOOSING, {
        "own": ("Random11", "Random12"), "own2": ("Own2-1",), "plant Y": ("Y-1", "Y-GS46"), "third": ("Monod-1",),
    }, (1, 2), 31_000),
    *_cases(REPORTING, {
        "own": ("Random201", "Random202", "Random203", "Random204"), "own2": ("Own2-11", "Own2-12"),
        "plant Y": ("Y-T127-k0.5", "Y-101", "Y-102"), "third": ("Monod-lit", "Monod-101"),
    }, (101, 102, 103), 57_000),
)  # fmt: skip
