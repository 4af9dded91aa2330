"""The tables of bench_model, and what each figure was promised to be."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_cases import ABOUT, IN_DESIGN, OUTSIDE, UNSEEN, Array
from model_costs import LIBRARY, N_AHEAD, N_PATHS, Beside, Extension, Growth
from model_scores import AVERAGE, FROM_TRUTH, HYBRID, PLAIN, Outcome, widening
from perfusio.hybrid.scores.scoreboard import PERSISTENCE
from perfusio.hybrid.scores.scoring import LEVELS
from perfusio.state import SPECIES
from perfusio.study.backtest import TRAJECTORY

Pooled = Mapping[int, Mapping[str, Outcome]]
"""Outcomes of all clones together, by number of training runs and kind of test run."""

JUDGED = (6, 27)
AHEAD = ("1", "3", "7", "28")
_GROUPS = {
    FROM_TRUTH: (HYBRID, PLAIN, PERSISTENCE),
    "1": (HYBRID, PERSISTENCE),
    "3": (HYBRID, PERSISTENCE),
    "7": (HYBRID, PERSISTENCE),
    TRAJECTORY: (HYBRID, PLAIN, AVERAGE, PERSISTENCE),
}
_SHORT = {PLAIN: "plain", PERSISTENCE: "persist", AVERAGE: "average"}
_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_TITLES = {FROM_TRUTH: "1 day from the truth", "1": "1 day", TRAJECTORY: "trajectory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise: a figure, how it must (or should) relate to its limit."""

    rank: str
    what: str
    value: float
    limit: float
    relation: str = "<="
    digits: int = 2

    @property
    def is_met(self) -> bool:
        """Whether it is kept; a figure that could not be measured keeps nothing."""
        return bool(_RELATIONS[self.relation](self.value, self.limit))

    def line(self) -> str:
        """Return the row of the table."""
        numbers = f"{self.value:>9.{self.digits}f}  {self.relation:2} {self.limit:<7.{self.digits}f}"
        return f"{self.rank:5}{self.what:92}{numbers}{'yes' if self.is_met else 'NO'}"

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        limit = f"{self.relation} {self.limit:.4g}"
        return {"rank": self.rank, "what": self.what, "value": _plain(self.value), "limit": limit, "met": self.is_met}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Everything about CPU seconds.

    Attributes:
        beside: The pipeline and the library, by clone.
        n_vessels: In the forecast of 256 paths and 28 days.
        forecast_s: Of that forecast.
        growth: Of the fit with the number of rows.
        extension: Of factors by new rows.
        fit_s: Of the pipeline by training runs, median over clones.
        calibration_s: Of calibrating its spread, the same.
    """

    beside: Sequence[Beside]
    n_vessels: int
    forecast_s: float
    growth: Growth
    extension: Extension
    fit_s: Mapping[int, float]
    calibration_s: Mapping[int, float]

    @property
    def ratio(self) -> float:
        """How many times the pipeline's fit costs the library's, median over clones."""
        return float(np.median([b.library_s / b.hybrid_s for b in self.beside]))

    def rrmse(self, of: str, kind: str) -> float:
        """Mean over species of whole runs, pooled over the clones on which the library was fitted.

        Args:
            of: LIBRARY or HYBRID.
            kind: Of test run.
        """
        squares = [b.rrmse[of, kind] ** 2 for b in self.beside]
        return float(np.sqrt(np.mean(squares, axis=0)).mean())


def accuracy_table(n_runs: int, kind: str, outcome: Outcome) -> list[str]:
    """Return rRMSE by species, horizon and forecaster for one training size and kind of test run."""
    cells = [(h, name) for h, names in _GROUPS.items() if (h, HYBRID) in outcome.rrmse for name in names]
    columns = np.array([outcome.rrmse[cell] for cell in cells])
    ratio = outcome.rrmse[TRAJECTORY, HYBRID] / outcome.rrmse[TRAJECTORY, PLAIN]
    groups = "".join(f"{_title(h):^{8 * len(names)}}|" for h, names in _GROUPS.items() if (h, HYBRID) in outcome.rrmse)
    is_last = [name == _GROUPS[h][-1] for h, name in cells]

    def row(label: str, values: Sequence[str], last: str) -> str:
        return f"{label:11}" + "".join(f"{v:>8}{'|' * e}" for v, e in zip(values, is_last, strict=True)) + f"{last:>13}"

    whole = ratio_of_means(outcome, PLAIN)
    return [
        f"{n_runs} training runs, {kind}",
        f"{'':11}{groups}{'hybrid/plain':>13}",
        row("", [_SHORT.get(name, name) for _, name in cells], "trajectory"),
        *(row(s, [f"{v:.3f}" for v in columns[:, q]], f"{ratio[q]:.2f}") for q, s in enumerate(SPECIES)),
        row("mean", [f"{v:.3f}" for v in columns.mean(axis=1)], f"{whole:.2f}"),
        "",
    ]


def coverage_table(n_runs: int, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return coverage and width of the hybrid's intervals, and the plain GP's beside, for one training size."""
    head = "".join(f"{f'{100 * a:.0f} %: mean':>12}{'worst species':>18}" for a in LEVELS)
    plain = "".join(f"{f'plain {100 * a:.0f} %':>12}" for a in LEVELS)
    lines = [f"{n_runs} training runs", f"{'':19}{head}{'width / sd':>13}{plain}"]
    for kind, o in outcomes.items():
        for h in (*AHEAD, TRAJECTORY):
            if (h, HYBRID) not in o.width:
                continue
            cells = "".join(
                f"{100 * o.coverage[h, HYBRID, a].mean():>12.1f}{_worst(o.coverage[h, HYBRID, a], a):>18}"
                for a in LEVELS
            )
            theirs = "".join(f"{100 * o.coverage[h, PLAIN, a].mean():>12.1f}" for a in LEVELS)
            lines.append(f"{kind:11}{_days(h):>8}{cells}{o.width[h, HYBRID].mean():>13.2f}{theirs}")
        said = "forecasts do not say" if np.isnan(o.support) else f"{o.support:.2f}"
        lines.append(f"{kind:11}support {said}; trajectory intervals {widening(outcomes, kind):.2f} x those in design")
    return [*lines, ""]


def cost_lines(c: Costs) -> list[str]:
    """Return what things cost, with exponents and ratios."""
    lines = [
        f"{'fit':14}{'rows':>8}{'pipeline [s]':>14}{'library [s]':>13}{'ratio':>9}",
        *(
            f"{f'clone {i}':14}{b.n_rows:>8}{b.hybrid_s:>14.2f}{b.library_s:>13.1f}{b.library_s / b.hybrid_s:>9.1f}"
            for i, b in enumerate(c.beside, start=1)
        ),
        "fit on " + ", ".join(f"{n} runs {s:.2f} s" for n, s in sorted(c.fit_s.items())) + " (median over clones)",
        "calibration of the spread, apart: "
        + ", ".join(f"{n} runs {s:.2f} s" for n, s in sorted(c.calibration_s.items())),
        "",
        f"{'rows':>8}{'fit [s]':>11}",
        *(f"{n:>8}{s:>11.2f}" for n, s in c.growth.sizes),
        f"cost of the fit grows as rows^{c.growth.exponent:.2f}",
    ]
    day = c.growth.twin_day
    lines += [
        f"a twin day at {day.n_rows} rows, {day.n_live} vessels: samples {day.condition_s:.2f} s, "
        f"forecasts {day.forecast_s:.2f} s, refit {day.refit_s:.2f} s",
        f"forecast of {_rig(c)}: {c.forecast_s:.2f} s",
        f"24 new rows at {c.extension.n_rows}, nine species: extended in {1e3 * c.extension.extend_s:.0f} ms, "
        f"factorised again in {1e3 * c.extension.refactorise_s:.0f} ms",
        "",
    ]
    return lines


def checks(pooled: Pooled, costs: Costs) -> list[Check]:
    """Return every promise about the model that this benchmark can judge."""
    judged = [n for n in JUDGED if n in pooled]
    found = [c for n in judged for c in (*_accuracy_checks(n, pooled[n]), *_coverage_checks(n, pooled[n]))]
    return [*found, *_cost_checks(costs)]


def _accuracy_checks(n: int, outcomes: Mapping[str, Outcome]) -> Iterator[Check]:
    home, unseen = outcomes[IN_DESIGN], outcomes[UNSEEN]
    for h in ("1", "3", "7"):
        ratios = home.rrmse[h, HYBRID] / home.rrmse[h, PERSISTENCE]
        q = int(ratios.argmax())
        yield Check(
            rank="Must",
            what=f"{n} runs, in design, {_days(h)}: rRMSE / persistence, the worst species ({SPECIES[q]})",
            value=float(ratios[q]),
            limit=1.0,
            relation="<",
        )
    filtered = home.rrmse["1", HYBRID].mean() / home.rrmse["1", PERSISTENCE].mean()
    for what, value, limit in (
        ("in design: trajectory rRMSE / plain GP", ratio_of_means(home, PLAIN), 1.05),
        ("unseen: trajectory rRMSE / plain GP", ratio_of_means(unseen, PLAIN), 1.0 / 1.5),
        ("in design: filtered one-step rRMSE / persistence", filtered, 0.5),
    ):
        yield Check(rank="Must", what=f"{n} runs, {what}", value=float(value), limit=limit)
    if n < max(JUDGED):
        return
    one_step = float(home.rrmse["1", HYBRID].mean())
    yield Check(rank="Aim", what=f"{n} runs, in design: filtered one-step rRMSE", value=one_step, limit=0.10, digits=3)
    for kind, limit in {IN_DESIGN: 0.13, UNSEEN: 0.22, OUTSIDE: 0.25}.items():
        value = float(outcomes[kind].rrmse[TRAJECTORY, HYBRID].mean())
        yield Check(rank="Aim", what=f"{n} runs, {kind}: trajectory rRMSE", value=value, limit=limit, digits=3)


def _coverage_checks(n: int, outcomes: Mapping[str, Outcome]) -> Iterator[Check]:
    for kind, rank, points in ((IN_DESIGN, "Must", 4.0), (OUTSIDE, "Aim", 8.0)):
        for h in AHEAD:
            if (h, HYBRID) not in outcomes[kind].width:
                continue
            for a in LEVELS:
                off = 100.0 * abs(float(outcomes[kind].coverage[h, HYBRID, a].mean()) - a)
                what = f"{n} runs, {kind}, {_days(h)}: points between coverage and nominal {100 * a:.0f} %"
                yield Check(rank=rank, what=what, value=off, limit=points, digits=1)
    wider, less = widening(outcomes, OUTSIDE), outcomes[OUTSIDE].support - outcomes[IN_DESIGN].support
    yield Check(rank="Must", what=f"{n} runs: width outside / in design", value=wider, limit=1.0, relation=">")
    yield Check(rank="Must", what=f"{n} runs: support outside minus in design", value=less, limit=0.0, relation="<")


def _cost_checks(c: Costs) -> Iterator[Check]:
    yield Check(
        rank="Must",
        what="CPU of the library GP's fit / the pipeline's",
        value=c.ratio,
        limit=12.0,
        relation=">=",
        digits=1,
    )
    for kind in (IN_DESIGN, UNSEEN):
        ratio = c.rrmse(HYBRID, kind) / c.rrmse(LIBRARY, kind)
        yield Check(rank="Must", what=f"{kind}: trajectory rRMSE / library GP, same rows", value=ratio, limit=1.0)
    day, x = c.growth.twin_day, c.extension
    for what, value, limit in (
        (f"CPU s of {_rig(c)}", c.forecast_s, 3.0),
        (f"CPU s of a twin day with refit at {day.n_rows} rows", day.total_s, 10.0),
        (f"CPU s of taking 24 rows in at {x.n_rows}", x.extend_s, 0.05),
    ):
        yield Check(rank="Must", what=what, value=float(value), limit=limit)
    ratio = x.refactorise_s / x.extend_s
    yield Check(rank="Must", what="CPU of factorising again / of extending", value=ratio, limit=4.0, relation=">=")


def to_json(pooled: Pooled, costs: Costs) -> dict[str, object]:
    """Return the figures as plain data; arrays as lists in the order of SPECIES."""
    day = costs.growth.twin_day
    return {
        "accuracy": {f"{n} runs, {kind}": _outcome_json(o) for n, by in pooled.items() for kind, o in by.items()},
        "library_trajectory_rrmse": {k: _plain(costs.rrmse(LIBRARY, k)) for k in (IN_DESIGN, UNSEEN)},
        "cpu_s": {
            "fit": {str(n): _plain(s) for n, s in costs.fit_s.items()},
            "calibration": {str(n): _plain(s) for n, s in costs.calibration_s.items()},
            "beside_library": [{"pipeline": _plain(b.hybrid_s), LIBRARY: _plain(b.library_s)} for b in costs.beside],
            "ratio": _plain(costs.ratio),
            "forecast": _plain(costs.forecast_s),
            "growth": [[n, _plain(s)] for n, s in costs.growth.sizes],
            "exponent": _plain(costs.growth.exponent),
            "twin_day": {"rows": day.n_rows, "total": _plain(day.total_s), "refit": _plain(day.refit_s)},
            "extend": _plain(costs.extension.extend_s),
            "refactorise": _plain(costs.extension.refactorise_s),
        },
    }


def ratio_of_means(outcome: Outcome, to: str) -> float:
    """Return the hybrid's trajectory error over another forecaster's, both means over species."""
    return float(outcome.rrmse[TRAJECTORY, HYBRID].mean() / outcome.rrmse[TRAJECTORY, to].mean())


def kinds() -> list[str]:
    """Return what the three kinds of test run are."""
    return [f"  {kind}: {about}" for kind, about in ABOUT.items()]


def _outcome_json(o: Outcome) -> dict[str, object]:
    return {
        "rrmse": {f"{h}, {name}": _plain(v.mean()) for (h, name), v in o.rrmse.items()},
        "rrmse_by_species": {name: [_plain(x) for x in o.rrmse[TRAJECTORY, name]] for name in (HYBRID, PLAIN)},
        "coverage": {f"{h}, {name}, {100 * a:.0f} %": _plain(v.mean()) for (h, name, a), v in o.coverage.items()},
        "width": {f"{h}, {name}": _plain(v.mean()) for (h, name), v in o.width.items()},
        "support": _plain(o.support),
    }


def _rig(c: Costs) -> str:
    return f"{c.n_vessels} vessels x {N_PATHS} paths x {N_AHEAD} days"


def _plain(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _title(horizon: str) -> str:
    return _TITLES.get(horizon, f"{horizon} days")


def _days(horizon: str) -> str:
    return horizon if horizon == TRAJECTORY else f"{horizon} d"


def _worst(coverage: Array, level: float) -> str:
    q = int(np.abs(coverage - level).argmax())
    return f"{SPECIES[q]} {100 * coverage[q]:.0f}"
