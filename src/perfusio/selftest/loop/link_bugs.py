"""Bugs planted in input and output: a value made up, a variable mixed up, a server that is somebody else.

Each trial says its findings: nothing as perfusio is, and something once the bug is planted.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import PerfusioError
from perfusio.events import SampleRead
from perfusio.process.examples import UNMEASURED
from perfusio.process.roles import BLEED
from perfusio.selftest.promises import Tried
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.state import STATE_QUANTITIES, State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.samples import admission
from perfusio.twin.samples.sample_checks import checked

Trial = Callable[[], str]


class Gappy(QuietVessel):
    """A vessel of which one species is not measured."""

    async def read_sample(self) -> State:
        """Return the next sample, without one value."""
        return (await super().read_sample()).with_values(**{UNMEASURED: nan})


def made_up() -> str:
    """Return which value that nobody measured is on record."""
    read: list[State] = []
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(duration_days=1, n_paths=16, forecast_days=2, run_dir=Path(folder))
        twin = DigitalTwin(
            connector=Gappy(1), design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
            policy=SteppingPolicy(), observers=(lambda e: read.append(e.state) if isinstance(e, SampleRead) else None,),
        )  # fmt: skip
        asyncio.run(twin.run())
    wrong = [v for s in read if not isnan(v := getattr(s, UNMEASURED))]
    return f"{UNMEASURED} {wrong[0]} was never measured" if wrong else "" if len(read) == 2 else "no sample was read"


@contextmanager
def zero_for_missing() -> Iterator[None]:
    """Take a missing value for zero."""

    def zeroed(sample: State, *rest: Any, **more: Any) -> Any:
        values: dict[str, Any] = {n: 0.0 for n in STATE_QUANTITIES if isnan(getattr(sample, n))}
        return checked(replace(sample, **values), *rest, **more)

    with exchanged(admission, "checked", zeroed):
        yield


@contextmanager
def exchanged(owner: Any, name: str, faulty: Any) -> Iterator[None]:
    """Exchange a part while the context is open."""
    before = getattr(owner, name)
    setattr(owner, name, faulty)
    try:
        yield
    finally:
        setattr(owner, name, before)


class Rig:
    """A real OPC UA server on this machine with a certificate that is trusted, and clients of it.

    Args:
        folder: Of the certificates that are trusted.
    """

    def __init__(self, folder: Path) -> None:
        from perfusio.connectors.opc_ua.security import Certificates
        from perfusio.testing.opcua_identity import identity
        from perfusio.testing.opcua_server import FaultyOpcUaServer

        self.stranger, known = identity(), identity()
        self.server = FaultyOpcUaServer(("R01",), identity=known)
        self._folder = folder
        Certificates(folder).trust(known.certificate)

    def connector(self) -> Any:
        """Return a client."""
        from perfusio.connectors.opc_ua.access import Timing
        from perfusio.connectors.opcua import OpcUaConnector

        quick = Timing(request=2.0, keepalive=0.5, session=2.0, write=8.0, retry=0.05, backoff=(0.02, 0.1), poll=0.02)
        return OpcUaConnector(self.server.endpoint, self.server.node_map(), certificates=self._folder, timing=quick)


@contextmanager
def running() -> Iterator[Rig]:
    """Let a server run."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        with rig.server:
            yield rig


def wrong_variable() -> str:
    """Return writes that were not meant, after a server has numbered its namespaces anew."""

    async def write(rig: Rig) -> None:
        async with rig.connector() as connector:
            vessel = connector.vessels()["R01"]
            asked = (await vessel.read_setpoints()).with_values(**{BLEED: 0.2})
            rig.server.shift_namespaces()
            await vessel.write_setpoints(asked)

    with running() as rig:
        asyncio.run(write(rig))
        strangers = [w.node for w in rig.server.witness.written if w.is_stranger]
        has_arrived = getattr(rig.server.setpoints("R01"), BLEED) == 0.2
    return f"written to a stranger's variable: {strangers}" if strangers else "" if has_arrived else "nothing written"


def wrong_server() -> str:
    """Return the requests that another server in the place of the right one gets."""

    async def read(rig: Rig) -> None:
        async with rig.connector() as connector:
            await connector.vessels()["R01"].read_setpoints()

    with running() as rig:
        rig.server.restart(identity=rig.stranger)
        with suppress(PerfusioError):
            asyncio.run(read(rig))
        return "a server that nobody trusts was given a session" if rig.server.witness.n_sessions else ""


@contextmanager
def cached_namespace() -> Iterator[None]:
    """Keep the ids of nodes from one connection to the next."""
    from perfusio.connectors.opc_ua import session
    from perfusio.connectors.opc_ua.resolve import resolve

    kept = dict[str, Any]()

    async def cached(link: Any, node_map: Any, before: Any) -> Any:
        if not kept:
            kept["found"] = await resolve(link, node_map, before)
            kept["nodes"], kept["types"] = link.nodes, link.types
        link.nodes, link.types = kept["nodes"], kept["types"]
        return kept["found"]

    with exchanged(session, "resolve", cached):
        yield


@contextmanager
def any_certificate() -> Iterator[None]:
    """Take whatever certificate is shown."""
    from perfusio.connectors.opc_ua.security import Certificates

    with exchanged(Certificates, "check", lambda *_, **__: None):
        yield


BUGS: dict[str, tuple[Trial, Callable[[], Any]]] = {
    "zero for missing": (made_up, zero_for_missing),
    "any certificate": (wrong_server, any_certificate),
    "cached namespace": (wrong_variable, cached_namespace),
}


def planted_in_links(is_full: bool) -> Tried:
    """Plant each bug and see it caught; without it, nothing is found."""
    del is_full  # one point shows each
    wrong, left_out = list[str](), list[str]()
    for bug, (trial, planted) in BUGS.items():
        try:
            if found := trial():
                wrong.append(f"without {bug}: {found}")
            with planted():
                wrong += [] if trial() else [bug]
        except ImportError as error:
            left_out.append(f"{bug} ({error})")
    caught = [bug for bug in BUGS if bug not in wrong and not any(text.startswith(bug) for text in left_out)]
    notes = [
        f"missed: {', '.join(wrong)}" if wrong else f"caught: {', '.join(caught)}",
        *([f"not tried: {', '.join(left_out)}"] if left_out else []),
    ]
    return Tried(
        id="teeth",
        promise="bugs planted in samples and links are caught",
        n_tried=len(BUGS) - len(left_out),
        n_failed=len(wrong),
        note="; ".join(notes),
    )
