"""T17: people. Fuzzed orders, mistyped names, spellings of HOLD: no run ends, every hold holds, no answer is untrue."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import ConfigError
from perfusio.events import AlarmChanged, AlarmRaised, Event, ModeChanged, OperatorActed, SampleRead, WriteIntended
from perfusio.record.verification.verify import verify
from perfusio.selftest.promises import Tried
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators import acts, orders
from perfusio.twin.operators.orders import ACTS
from perfusio.twin.run_view import RunView, view
from perfusio.twin.state import hold
from perfusio.twin.state.order_folder import FOLDER

VESSELS = ("R01", "BR 1/2")
WHO = {"who": "AS", "why": "The pump is noisy."}
HELD_BY: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("HOLD", "hold", "Hold", "HOLD.txt", "hold.docx", "HOLD.json", "Hold.TXT", "HOLD-", " hold", "hold!",
         "HOLD (1)", "HOLD-R1", "hold everything", "HOLD R01 and BR 1-2", "holdR02.txt"), VESSELS,
    ),
    **dict.fromkeys(("HOLD-R01", "hold-r01", "HOLD R01.docx", "Hold_R01.txt", "holdr01", "HOLD-r01.json"), ("R01",)),
    **dict.fromkeys(("HOLD-BR%201%2F2", "hold br 1-2.txt", "HOLD-BR12", "Hold BR_1_2.docx"), ("BR 1/2",)),
}  # fmt: skip
"""Names of files, and the vessels that each must hold."""
MISTYPED = (
    "R1", "R02", "R001", "RO1", "r01", "R01.", "R-01", "R_01", "R01 BR 1/2", "R01,", "'R01'", '"R01"', "R0l", "01", "R",
    "ROI", "R01/", "./R01", "../R01", "R01.txt", "HOLD-R01", "all", "*", "?", "R*", "br 1/2", "BR1/2", "BR 1",
    "BR 1\\2", "BR 1 / 2", "BR-1/2", "1/2", "BR 1/2/", "Bioreactor 1",
    "R01\x00", "R01\n", "R01\x1b[2J", "\u202eR01", "R\u200b01",
    "Ｒ01", "Р01",
    "\ud800", "None", "null", "nan", "True", "0", "-", "--all", "R01" * 100,
)  # fmt: skip
"""Names that people type for a vessel of such a run; none of them is one."""
N_TURNS, PER_TURN_QUICK, PER_TURN_FULL = 20, 10, 100


@dataclass(frozen=True, slots=True)
class Heard:
    """A run with people: its record, its writes, and the faults of its course."""

    events: tuple[Event, ...]
    written: Mapping[str, int]
    problems: tuple[str, ...]


def run_with(person: Callable[[Path, Event], None], n_days: int) -> Heard:
    """Run two quiet vessels while a person acts on their run, and check that it goes on to its end.

    Args:
        person: Called with the folder of the run and each event.
        n_days: Length of the run.
    """
    told: list[Event] = []
    vessels = {name: QuietVessel(n_days) for name in VESSELS}
    with TemporaryDirectory() as place:
        folder = Path(place)
        config = RunConfig(duration_days=n_days, forecast_days=2, n_paths=16, retrain_every=365, run_dir=folder)
        twin = DigitalTwin(
            connector=vessels, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
            policy=SteppingPolicy(), observers=(told.append, lambda event: person(folder, event)),
        )  # fmt: skip
        try:
            ended = asyncio.run(twin.run()).outcome.name
        except Exception as error:  # noqa: BLE001 - whatever a person did, it must not end the run
            ended = f"{type(error).__name__}: {error}"
        problems = [] if ended == "COMPLETED" else [f"the run ended: {ended}"]
        report = verify(folder / "audit.jsonl")
        problems += [] if report.is_intact else [f"the record: {report.problems[0]}"]
        left = [p.name for p in (folder / FOLDER).glob("*") if p.name not in ("refused", "lifted")]
        problems += [f"never answered: {left[0]!r}"] if left else []
    return Heard(tuple(told), {name: len(v.written) for name, v in vessels.items()}, tuple(problems))


# -- holds -----------------------------------------------------------------------------------------------------------


def wrong_with_hold(name: str, vessels: tuple[str, ...]) -> list[str]:
    """Put a file of this name into the folder of a run after its first turn; return the faults of the hold."""

    def person(folder: Path, event: Event) -> None:
        if isinstance(event, SampleRead) and (event.turn, event.reactor) == (1, VESSELS[0]):
            (folder / name).touch()

    heard = run_with(person, 3)
    problems = list(heard.problems)
    for vessel in VESSELS:
        expected = 1 if vessel in vessels else 3
        if heard.written[vessel] != expected:
            problems.append(f"{name!r}: {vessel} was written {heard.written[vessel]} times, expected {expected}")
    alarms = [e for e in heard.events if isinstance(e, AlarmRaised)]
    if len(alarms) > 1 or any(e.quantity != "hold" for e in alarms):
        problems.append(f"{name!r}: {len(alarms)} alarms, expected none but one about its name")
    return problems


# -- names -----------------------------------------------------------------------------------------------------------


def wrong_with_names() -> list[str]:
    """Look each mistyped name up in a run, as every command does, and order for it; return each that was taken."""
    problems = []
    seen: list[RunView] = []

    def person(folder: Path, event: Event) -> None:
        if isinstance(event, SampleRead) and event.turn == 1 and not seen:
            seen.append(view(folder))
            for i, name in enumerate(MISTYPED):
                _drop(folder, f"{i:03}.json", json.dumps({"act": "mode", "reactor": name, "value": "manual", **WHO}))

    heard = run_with(person, 5)
    for name in MISTYPED:
        try:
            problems.append(f"{name!a} was taken for {seen[0].vessel(name)!a}")
        except ConfigError:
            continue
    done = [e for e in heard.events if isinstance(e, OperatorActed) and e.is_done]
    problems += [f"an order for {e.reactor!a} was confirmed" for e in done]
    problems += [f"the mode of {e.reactor} has changed" for e in heard.events if isinstance(e, ModeChanged)]
    return [*problems, *heard.problems]


# -- orders ----------------------------------------------------------------------------------------------------------


def wrong_with_orders(n_per_turn: int, seed: int = 0) -> list[str]:
    """Have files of all kinds dropped into the orders of a run at each turn; return the faults."""
    rng = Random(seed)

    def person(folder: Path, event: Event) -> None:
        if isinstance(event, SampleRead) and event.reactor == VESSELS[0]:
            for i in range(n_per_turn):
                _anything(rng, folder, f"{event.turn:03}-{i:03}.json")

    heard = run_with(person, N_TURNS)
    return [*heard.problems, *_untrue(heard.events)]


def _untrue(events: tuple[Event, ...]) -> Iterator[str]:
    """Yield each confirmation that nothing on record bears out."""
    changes = [(e.reactor, f"mode {e.mode}") for e in events if isinstance(e, ModeChanged)]
    seen_to = {(e.reactor, e.status) for e in events if isinstance(e, AlarmChanged)}
    for event in events:
        if not isinstance(event, OperatorActed) or not event.is_done:
            continue
        if event.reactor not in VESSELS:
            yield f"{event.act} was confirmed for {event.reactor!a}"
        elif event.act.startswith("mode") and (event.reactor, event.act) not in changes:
            yield f"{event.act} was confirmed for {event.reactor}, and never came about"
        elif event.act in ("acknowledge", "shelve") and not any(reactor == event.reactor for reactor, _ in seen_to):
            yield f"{event.act} was confirmed for {event.reactor}, and no alarm was seen to"
        elif event.act == "approve" and not any(isinstance(e, WriteIntended) and e.key == event.key for e in events):
            yield f"{event.act} was confirmed for {event.reactor}, and nothing was written"


def _drop(folder: Path, name: str, text: str | bytes) -> None:
    (folder / FOLDER).mkdir(exist_ok=True)
    place = folder / FOLDER / name
    place.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def _anything(rng: Random, folder: Path, name: str) -> None:
    """Leave one thing: an order with some of its parts exchanged, other bytes, or no file at all."""
    place = folder / FOLDER / name
    place.parent.mkdir(exist_ok=True)
    kind = rng.random()
    if kind < 0.02:
        place.mkdir()
    elif kind < 0.04:
        os.mkfifo(place)
    elif kind < 0.06:
        place.symlink_to(rng.choice(("/dev/zero", "nowhere", "../audit.jsonl")))
    elif kind < 0.12:
        _drop(folder, name, rng.randbytes(rng.randrange(200)))
    elif kind < 0.15:
        deep, large = ("[" * 60_000, '{"a":' * 9_000), ("9" * 5_000, "x" * 100_000)
        _drop(folder, name, rng.choice((*deep, *large, "", "null", "[]", "\ufeff{}")))
    else:
        _drop(folder, name, json.dumps(_order(rng)))


def _order(rng: Random) -> dict[str, Any]:
    modes = [m.value for m in Mode if m is not Mode.HOLD]
    good: dict[str, Any] = {
        "act": rng.choice([a for a in ACTS if a != "stop"]), "reactor": rng.choice(VESSELS), "hours": 4.0, **WHO,
        "value": rng.choice((*modes, "viability:act", "48.0", "run-1:R01:1:0")),
    }  # fmt: skip
    for name in rng.sample(sorted(good), rng.choice((0, 1, 1, 2))):
        good[name] = rng.choice((
            None, True, -1, 10**400, 1e308, float("nan"), float("inf"), [], {}, ["R01"], {"R01": 1}, "", " ", "\x00",
            "\x1b[2J\r",
            "\ud800", "\u202e", "R1", "all", "x" * 3_000, "mode", "hold", "é" * 150, rng.choice(MISTYPED),
        ))  # fmt: skip
    if rng.random() < 0.1:
        good[rng.choice(("extra", "", "act "))] = 1
    return good


# -- the promise -----------------------------------------------------------------------------------------------------


def people(is_full: bool) -> Tried:
    """Try spellings of HOLD, mistyped names and fuzzed orders."""
    spellings = HELD_BY if is_full else {name: HELD_BY[name] for name in list(HELD_BY)[::5]}
    per_turn = PER_TURN_FULL if is_full else PER_TURN_QUICK
    problems = [problem for name, vessels in spellings.items() for problem in wrong_with_hold(name, vessels)]
    problems += wrong_with_names()
    problems += wrong_with_orders(per_turn)
    n_orders = per_turn * (N_TURNS + 1)
    return Tried(
        id="T17",
        promise="no word of a person ends a run, every hold holds, no answer is untrue",
        n_tried=len(spellings) + 2 * len(MISTYPED) + n_orders,
        n_failed=len(problems),
        note=f"the first: {problems[0]}" if problems else (
            f"{len(spellings)} spellings of HOLD, {len(MISTYPED)} mistyped names, {n_orders} fuzzed orders"
        ),
    )  # fmt: skip


@contextmanager
def _unknown_vessels_are_confirmed() -> Iterator[None]:
    """An order for any vessel is answered with done."""
    rightly = acts.Acts._carry_out

    async def trusting(self: Any, one: Any, order: Any, reactor: str) -> None:
        if reactor in self._book.aboard:
            await rightly(self, one, order, reactor)
        else:
            self.answer(one, reactor, "")

    with _exchanged(acts.Acts, "_carry_out", trusting):
        yield


@contextmanager
def _only_one_spelling_holds() -> Iterator[None]:
    """A hold is a file called just so."""
    with _exchanged(hold, "_is_hold", lambda name: name == "HOLD" or name.startswith("HOLD-")):
        yield


@contextmanager
def _strangers_files_are_trusted() -> Iterator[None]:
    """The fields of an order are taken as they are."""
    with _exchanged(acts, "unfit", _fits), _exchanged(orders, "check_text", _fits):
        yield


def _fits(*found: object) -> None:
    """Find nothing wrong with anything."""
    del found


@contextmanager
def _exchanged(of: Any, name: str, faulty: object) -> Iterator[None]:
    rightly = getattr(of, name)
    setattr(of, name, faulty)
    try:
        yield
    finally:
        setattr(of, name, rightly)


BUGS: Mapping[str, tuple[Callable[[], Any], Callable[[], list[str]]]] = {
    "confirms an unknown vessel": (_unknown_vessels_are_confirmed, wrong_with_names),
    "one spelling of HOLD": (_only_one_spelling_holds, lambda: wrong_with_hold("hold.txt", VESSELS)),
    "takes words as they are": (_strangers_files_are_trusted, lambda: wrong_with_orders(30)),
}


def planted_in_people(is_full: bool) -> Tried:
    """Plant each bug and see it noticed."""
    del is_full
    missed = []
    for name, (bug, trial) in BUGS.items():
        with bug():
            if not trial():
                missed.append(name)
    return Tried(
        id="teeth",
        promise="bugs planted in what becomes of people's words are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T17: {', '.join(BUGS)}",
    )
