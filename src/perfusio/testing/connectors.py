"""A vessel that plays back a script, and the check that every connector must pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from math import isclose, isfinite

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DesignSpace
from perfusio.connectors.handed_out import is_unused
from perfusio.errors import EndOfRun, OutOfRange
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Connector, ConnectorKind, Standing
from perfusio.quantities import Quantity
from perfusio.state import Setpoints, State
from perfusio.testing.reading import check_reading, expect, made

WriteStep = None | Exception | Setpoints | tuple[Setpoints, Exception]


class ScriptedConnector:
    """A Connector that plays back samples and failures and records writes.

    Attributes:
        kind: As given.
        written: Every Setpoints that was asked for, refused ones included, in order.
        in_force: Result of `read_setpoints`; a test may set it to play an operator at the vessel, or to an
            exception to play a dead link.
    """

    def __init__(
        self,
        script: Iterable[State | Exception],
        *,
        kind: ConnectorKind = ConnectorKind.SIMULATED,
        setpoints: Setpoints = DEFAULT_AMBR250_DESIGN_SPACE.nominal,
        write_script: Iterable[WriteStep] = (),
    ) -> None:
        """Prepare a playback.

        Args:
            script: Result or error of each `read_sample`; after the last, EndOfRun for ever.
            kind: Claimed kind of the connector.
            setpoints: In force until the first write.
            write_script: Fate of each write: None = taken as asked; Setpoints = the vessel takes and
                acknowledges these instead; an exception = raised, nothing taken; (Setpoints, exception) = raised
                although the vessel took these. After the last, writes are taken as asked.
        """
        self.kind = kind
        self.confirms_at_once = kind is not ConnectorKind.REPLAY
        self.written: list[Setpoints] = []
        self.in_force: Setpoints | Exception = setpoints
        self._script = list(script)
        self._write_script = iter(tuple(write_script))

    async def read_sample(self) -> State:
        """Return or raise the next step of the script."""
        if not self._script:
            raise EndOfRun
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def goes_on(self, standing: Standing) -> None:
        """Leave out the reads of an earlier program: samples of which no value is news, and failures before them."""
        known = [isinstance(step, State) and _is_known(step, standing) for step in self._script]
        n_before = max((i + 1 for i, is_known in enumerate(known) if is_known), default=0)
        self._script = [
            step for i, step in enumerate(self._script)
            if i >= n_before or (isinstance(step, State) and not known[i])
        ]  # fmt: skip

    async def read_setpoints(self) -> Setpoints:
        """Return (or raise) `in_force`."""
        if isinstance(self.in_force, Exception):
            raise self.in_force
        return self.in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Record the request and follow the next step of the write script; a REPLAY keeps its own setpoints."""
        self.written.append(setpoints)
        step = next(self._write_script, None)
        if isinstance(step, Exception):
            raise step
        taken, failure = step if isinstance(step, tuple) else (step or setpoints, None)
        if self.kind is not ConnectorKind.REPLAY:
            self.in_force = taken
        if failure is not None:
            raise failure
        return taken


def _is_known(sample: State, standing: Standing) -> bool:
    for before in (*standing.states, *standing.refused):
        if before.time_h == sample.time_h:
            return all(
                getattr(before, name) == value or is_unused(before, name, value)
                for name, value in sample.measured().items()
            )
    return False


async def check_connector(
    make: Callable[[], Connector | Awaitable[Connector]],
    *,
    confirms_at_once: bool = True,
    unmeasured: tuple[str, ...] = (),
    max_samples: int = 60,
    breaks: Callable[[], AbstractContextManager[object]] | None = None,
    panel: Panel = CHO_PERFUSION,
) -> None:
    """Check that the connectors from `make` keep the promises of the Connector protocol.

    Args:
        make: Returns a new connector at the start of its run, each time it is called.
        confirms_at_once: Whether a SIMULATED or HARDWARE vessel shows a write in `read_setpoints` before its next
            sample. False for a vessel that is seen through a file that grows once a day.
        unmeasured: Quantities that the source behind `make` does not have: they must be NaN, never 0.
        max_samples: Samples to read before the end of the run is no longer waited for.
        breaks: Makes the source unreadable for as long as the context lasts: a file is away, a server down. The ability
            of a connector does then, and afterwards, is checked only with it.
        panel: The process whose quantities come and are asked for; it has the allowed setpoints.

    A connector that can go on where an earlier program stood (`perfusio.protocols.Resumable`) is tried on that too:
    `make` then stands for a new program that finds the same source.

    Raises:
        AssertionError: a promise is broken; the message says which, and the finding.
    """
    connector = await made(make)
    expect(isinstance(connector, Connector), f"{type(connector).__name__} lacks a method of the Connector protocol")
    expect(isinstance(connector.kind, ConnectorKind), f"kind must be a ConnectorKind, found {connector.kind!r}")
    await _check_samples(connector, unmeasured, max_samples, panel)
    await check_reading(make, breaks=breaks)
    await _check_writes(await made(make), confirms_at_once, panel)


async def _check_samples(connector: Connector, unmeasured: tuple[str, ...], max_samples: int, panel: Panel) -> None:
    measured: dict[float, set[str]] = {}
    for _ in range(max_samples):
        try:
            state = await connector.read_sample()
        except EndOfRun:
            expect(bool(measured), "the run ended before its first sample")
            await _expect_end(connector)
            return
        _check_state(state, panel)
        _check_order(state, measured)
        for name in unmeasured:
            value = getattr(state, name)
            expect(value != value, f"{name} was not measured and must be NaN, found {value!r}")
        _check_setpoints(await connector.read_setpoints(), panel)


def _check_order(state: State, measured: dict[float, set[str]]) -> None:
    """Time goes forward; only a late value may come for a time already seen, with nothing but missing values."""
    names, latest = set(state.measured()), max(measured, default=state.time_h)
    is_late_value = bool(names) and names.isdisjoint(measured.get(state.time_h, names))
    went_back = f"time went back from {latest:g} h to {state.time_h:g} h, and not just with late values"
    expect(state.time_h >= latest or is_late_value, went_back)
    measured.setdefault(state.time_h, set()).update(names)


def _check_state(state: State, panel: Panel) -> None:
    expect(isinstance(state, State), f"read_sample() must return a State, found {type(state).__name__}")
    expect(isfinite(state.time_h) and state.time_h >= 0, f"time_h must be finite and >= 0, found {state.time_h!r}")
    _check_process(state.panel, panel)
    for q in panel.species:
        value = getattr(state, q.name)
        expect(isinstance(value, float), f"{q.name} must be a float (NaN = not measured), found {value!r}")
        _check_range(q, value)
    for name in state.quality:
        expect(name in panel.by_name, f"quality names {name!r}, which is no quantity")


def _check_setpoints(setpoints: Setpoints, panel: Panel) -> None:
    expect(
        isinstance(setpoints, Setpoints), f"setpoints must come as Setpoints, found {type(setpoints).__name__}"
    )
    _check_process(setpoints.panel, panel)
    for q in panel.setpoints:
        _check_range(q, getattr(setpoints, q.name))


def _check_process(found: Panel, panel: Panel) -> None:
    expect(found == panel, f"values are those of {found.name}, expected {panel.name}: hand the panel on")


def _check_range(q: Quantity, value: float) -> None:
    try:
        q.check(value)
    except OutOfRange as error:
        raise AssertionError(f"connector promise broken: {error}") from error


async def _expect_end(connector: Connector) -> None:
    """EndOfRun is for ever: a caller that asks again must not wait, nor start over."""
    for _ in range(2):
        try:
            again = await connector.read_sample()
        except EndOfRun:
            continue
        raise AssertionError(f"after EndOfRun a sample came again (time_h = {again.time_h:g})")


async def _check_writes(connector: Connector, confirms_at_once: bool, panel: Panel) -> None:
    first = await connector.read_sample()
    before = await connector.read_setpoints()
    asked = _another(before, DesignSpace.of(panel))
    acknowledged = await connector.write_setpoints(asked)
    expect(_equal(acknowledged, asked), f"asked for {asked}, acknowledged {acknowledged}")
    after = await connector.read_setpoints()
    if connector.kind is ConnectorKind.REPLAY:
        expect(_equal(after, before), f"a replay is history: a write changed what was in force to {after}")
    elif confirms_at_once:
        expect(_equal(after, asked), f"wrote {asked}, read back {after}")
    try:
        later = await connector.read_sample()
    except EndOfRun:
        return
    expect(later.time_h >= first.time_h, "a write moved time back")


def _another(setpoints: Setpoints, space: DesignSpace) -> Setpoints:
    """Setpoints that are allowed and differ from `setpoints` in each quantity, so that a lost write shows."""
    low, high = (space.low + share * (space.high - space.low) for share in (0.4, 0.6))
    # what the source shows may be rounded, so "the same" is a share of the range, not of the number
    near = np.minimum(1e-3, 1e-2 * (space.high - space.low))
    return Setpoints.of(np.where(np.abs(setpoints.vector() - low) <= near, high, low), space.process)


def _equal(a: Setpoints, b: Setpoints) -> bool:
    pairs = ((getattr(a, n), getattr(b, n)) for n in a.panel.setpoint_names)
    return all((x != x and y != y) or isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) for x, y in pairs)


