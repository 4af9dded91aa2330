"""A run of PerfusionBench: the oracle first, which says the limits that can be kept, then each controller."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.study.bench import VERSION
from perfusio.study.bench.cohort import BenchCulture
from perfusio.study.bench.scored import controller_tasks, oracle_tasks
from perfusio.study.cultures.controllers import source_of
from perfusio.study.running.driver import StudyProgress, StudyWork, work_through
from perfusio.study.running.engine import Engine
from perfusio.study.running.task import Row, source_sha256
from perfusio.study.running.task_journal import TaskJournal

SCORES = "scores.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchScores:
    """Results in a folder.

    Attributes:
        version: Of PerfusionBench.
        oracle: A row for each culture.
        controllers: Rows by controller.
        cpu_seconds: Of the processor for a culture, by controller [s].
        left_out: Controllers that were scored here before, on other cultures or by another perfusio.
    """

    version: str
    oracle: list[Row]
    controllers: Mapping[str, list[Row]]
    cpu_seconds: Mapping[str, float]
    left_out: Sequence[str] = ()


def run_bench(
    controllers: Sequence[str],
    members: Sequence[BenchCulture],
    engine: Engine,
    folder: Path,
    *,
    limit_s: float | None = None,
    on_progress: Callable[[StudyProgress], object] = lambda _: None,
) -> StudyWork:
    """Score controllers on cultures; tasks with a result in the folder are not done again.

    Args:
        controllers: By name.
        members: Cultures.
        engine: Where tasks run.
        folder: Of the results; those of other controllers stay if they are of the same cultures and perfusio.
        limit_s: Time limit of an attempt at a task [s]; None = learnt.
        on_progress: Called as tasks are done.

    Raises:
        ConfigError: a controller cannot be loaded; nothing has run then.
    """
    sources = {name: source_of(name) for name in controllers}
    with TaskJournal(folder) as journal:
        through = partial(work_through, engine=engine, journal=journal, limit_s=limit_s, on_progress=on_progress)
        work = through(oracle_tasks(members))
        if work.failures:
            return work
        oracle = [row for d in work.done.values() for row in d.rows]
        limits = {(f"{row['family']}-{row['number']}", str(row["scenario"])): row["limits"] for row in oracle}
        tasks = {name: controller_tasks(name, members, limits, source=sources[name]) for name in controllers}
        whole = through([t for each in tasks.values() for t in each])
        found, left_out = _kept(folder, oracle)
        for name, each in tasks.items():
            done = [whole.done[t.task_id] for t in each if t.task_id in whole.done]
            if len(done) == len(each):
                rows = [row for d in done for row in d.rows]
                found[name] = {"rows": rows, "cpu_seconds": sum(d.cpu_seconds for d in done) / len(rows)}
        left_out = [name for name in left_out if name not in found]
        told = {
            "version": VERSION, "source": source_sha256(), "oracle": oracle, "controllers": found, "left_out": left_out,
        }  # fmt: skip
        draft = folder / f".{SCORES}"
        draft.write_text(json.dumps(told, indent=1), encoding="utf-8")
        draft.replace(folder / SCORES)
    return whole


def _kept(folder: Path, oracle: Sequence[Row]) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Return the results of controllers that may stand beside this oracle, and the names of all that ran before."""
    path = folder / SCORES
    if not path.exists():
        return {}, []
    told = json.loads(path.read_text(encoding="utf-8"))
    kept: dict[str, dict[str, object]] = told["controllers"]
    names = [*kept, *told.get("left_out", ())]
    if (told["version"], told.get("source"), _same(told["oracle"])) == (VERSION, source_sha256(), _same(oracle)):
        return kept, names
    return {}, names


def _same(rows: Sequence[Row]) -> str:
    return json.dumps(rows, sort_keys=True)  # NaN equals NaN


def scores_in(folder: Path) -> BenchScores:
    """Return the results in a folder.

    Raises:
        ConfigError: there are none.
    """
    try:
        told = json.loads((folder / SCORES).read_text(encoding="utf-8"))
        return BenchScores(
            version=told["version"], oracle=told["oracle"],
            controllers={name: one["rows"] for name, one in told["controllers"].items()},
            cpu_seconds={name: one["cpu_seconds"] for name, one in told["controllers"].items()},
            left_out=told["left_out"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{folder} holds no results of PerfusionBench ({type(error).__name__}). Run perfusio bench run --quick "
            f"--out {folder} first."
        ) from error
