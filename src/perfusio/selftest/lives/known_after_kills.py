"""Bugs planted in the state of a resumed run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from perfusio import verified_write
from perfusio.connectors.files.setpoints_file import SetpointsFile
from perfusio.events import WriteIntended
from perfusio.protocols import Ending, WriteReport
from perfusio.record.run_state import RunState
from perfusio.state import Setpoints
from perfusio.twin import resume
from perfusio.twin.samples import intake
from perfusio.twin.writes import actuate, first_look


def _taken_as_done() -> None:
    """A write that was cut short is taken as done without a look."""

    def blind(intent: WriteIntended, _: Setpoints) -> WriteReport:
        return WriteReport(ending=Ending.DONE, in_force=intent.new)

    vars(first_look)["settled"] = blind


def _nobody_else() -> None:
    """Setpoints found in a vessel, at the first look and before a write, are never held against the known ones."""

    def none(*_: object) -> dict[str, str]:
        return {}

    for module in (first_look, actuate, intake, verified_write):
        vars(module)["differences"] = none


def _forgetting(change: Callable[[RunState], RunState]) -> Callable[[], None]:
    """Have a run that goes on know something else than the record."""

    def plant() -> None:
        known_after = resume.known_after
        vars(resume)["known_after"] = lambda records: change(known_after(records))

    return plant


def _without_refused(known: RunState) -> RunState:
    return replace(known, quarantined={})


def _without_last(known: RunState) -> RunState:
    shorter = {name: t.until(len(t.states) - 1) for name, t in known.trajectories.items()}
    return replace(known, trajectories=shorter, today=replace(known.today, sampled=frozenset()))


def _a_day_behind() -> None:
    """After a restart setpoints are asked for at the hour of the sample before the latest."""
    rightly, begins = SetpointsFile.append, SetpointsFile.goes_on

    def append(self: SetpointsFile, time_h: float, *arguments: Any, **named: Any) -> None:
        rightly(self, time_h - 24.0, *arguments, **named)

    def goes_on(self: SetpointsFile, *arguments: Any, **named: Any) -> None:
        begins(self, *arguments, **named)
        type.__setattr__(SetpointsFile, "append", append)

    type.__setattr__(SetpointsFile, "goes_on", goes_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedBug:
    """A fault that is planted in a twin, and where a kill shows it.

    Attributes:
        plant: Plants it in this process.
        after: Records after which runs are cut off.
        link: LinkKind of link over which it shows.
    """

    plant: Callable[[], None]
    after: str
    link: str = "opcua"


BUGS: Mapping[str, PlantedBug] = {
    "a write that was cut short is taken as done": PlantedBug(plant=_taken_as_done, after="WriteIntended"),
    "a person's values are written over": PlantedBug(plant=_nobody_else, after="ModelConditioned"),
    "what was refused is forgotten": PlantedBug(
        plant=_forgetting(_without_refused), after="SampleQuarantined", link="file"
    ),
    "a row is read twice": PlantedBug(plant=_forgetting(_without_last), after="ModelConditioned", link="file"),
    "a row has the hour of another day": PlantedBug(plant=_a_day_behind, after="ModelConditioned", link="file"),
}
