"""`[connector]` of an experiment: which kinds there are, the settings of each, and how it becomes connectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from perfusio import factories
from perfusio.connectors.opening import Opening
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.process.sound_numbers import LONGEST_POLL_S, LONGEST_WAIT_S
from perfusio.registry import CONNECTORS, ExtensionError

if TYPE_CHECKING:
    from perfusio.connectors.filesystem import FilesystemStore
    from perfusio.connectors.opcua import OpcUaConnector
    from perfusio.connectors.simulated import SimulatedAmbr250
    from perfusio.connectors.sql import SqlStore


"""A source is looked at once a day or more often, and waited for at most a month [s]."""


class FileSettings(Frozen):
    """A file, or a folder into which instruments drop files; the names are those of FilesystemStore."""

    kind: Literal["file"] = "file"
    path: Path
    run: str | None = None
    reactor: str | None = None
    setpoints_path: Path | None = None
    follow: bool | None = None
    actuates: bool = False
    poll_seconds: float = Field(default=2.0, gt=0, le=LONGEST_POLL_S)
    timeout_seconds: float | None = Field(default=None, gt=0, le=LONGEST_WAIT_S)
    ignore: tuple[str, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)
    encoding: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    instrument: str = ""
    mapping: Path | None = None
    sample_pattern: str = ""
    inoculated: dict[str, datetime] = Field(default_factory=dict)
    keep: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    leave_out: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    set_missing: tuple[str, ...] = ()


class SimulatedSettings(Frozen):
    """Virtual vessels."""

    kind: Literal["simulated"] = "simulated"
    clone: str = "CloneX"
    n_vessels: int = Field(default=1, ge=1, le=96)
    seed: int = Field(default=0, ge=0)


class OpcUaSettings(Frozen):
    """An OPC UA server; the password comes from `password_file` or the environment."""

    kind: Literal["opcua"] = "opcua"
    endpoint: str
    nodes: Path
    certificates: Path = Path("opcua-certificates")
    user: str | None = None
    password_file: Path | None = None
    allow_insecure: bool = False
    poll_seconds: float = Field(default=5.0, gt=0, le=LONGEST_POLL_S)
    timeout_seconds: float | None = Field(default=26.0 * 3600.0, gt=0, le=LONGEST_WAIT_S)


class SqlSettings(Frozen):
    """A database; a password belongs into the environment, PERFUSIO_CONNECTOR_URL."""

    kind: Literal["sql"] = "sql"
    url: str
    run: str | None = None
    reactor: str | None = None
    follow: bool | None = None
    actuates: bool = False
    units: dict[str, str] = Field(default_factory=dict)
    poll_seconds: float = Field(default=5.0, gt=0, le=LONGEST_POLL_S)
    timeout_seconds: float | None = Field(default=None, gt=0, le=LONGEST_WAIT_S)
    acknowledge_seconds: float = Field(default=60.0, gt=0, le=LONGEST_POLL_S)


Settings = FileSettings | SimulatedSettings | OpcUaSettings | SqlSettings


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of connector: its settings, which of them are paths, and its opener.

    The opener returns a Connector of one vessel and can hand out several with `.vessels()`.
    """

    settings: type[Frozen]
    paths: tuple[str, ...]
    open: Callable[[Any, Opening], Any]


def _open_file(settings: FileSettings, opening: Opening) -> FilesystemStore:
    from perfusio.connectors.filesystem import FilesystemStore

    options = {**settings.model_dump(exclude={"kind", "path"}), "panel": opening.process}
    store = FilesystemStore(settings.path, **options)
    _ = store.source_sha256  # a file that is refused is refused before any folder is made
    if opening.run_dir is None or settings.setpoints_path is not None:
        return store
    _make_folder(opening.run_dir)
    options["setpoints_path"] = opening.run_dir / store.setpoints_path.name
    return FilesystemStore(settings.path, **options)


def _open_simulated(settings: SimulatedSettings, opening: Opening) -> SimulatedAmbr250:
    from perfusio.connectors.simulated import SimulatedAmbr250
    from perfusio.plant.families import clone_named

    try:
        clone = clone_named(settings.clone)
    except ConfigError as error:
        raise ConfigError(f"connector.clone: {error}") from error
    return SimulatedAmbr250(
        clone, n_vessels=settings.n_vessels, days=opening.days, seed=settings.seed,
        sampling_interval_hours=opening.interval_hours, process=opening.process,
    )  # fmt: skip


def _open_opcua(settings: OpcUaSettings, opening: Opening) -> OpcUaConnector:
    from perfusio.connectors.opc_ua.access import Timing
    from perfusio.connectors.opc_ua.security import login
    from perfusio.connectors.opcua import OpcUaConnector

    return OpcUaConnector(
        settings.endpoint, settings.nodes, panel=opening.process,
        login=login(settings.user, password_file=settings.password_file),
        certificates=settings.certificates, allow_insecure=settings.allow_insecure,
        timing=Timing(poll=settings.poll_seconds, sample=settings.timeout_seconds),
    )  # fmt: skip


def _open_sql(settings: SqlSettings, opening: Opening) -> SqlStore:
    from perfusio.connectors.sql import SqlStore

    return SqlStore(settings.url, panel=opening.process, **settings.model_dump(exclude={"kind", "url"}))


KINDS: Mapping[str, Kind] = {
    "file": Kind(FileSettings, ("path", "setpoints_path", "mapping"), _open_file),
    "simulated": Kind(SimulatedSettings, (), _open_simulated),
    "opcua": Kind(OpcUaSettings, ("nodes", "certificates", "password_file"), _open_opcua),
    "sql": Kind(SqlSettings, (), _open_sql),
}
"""Perfusio's own kinds: one line each, and its settings above. Other packages bring theirs by entry point."""


def kind_named(name: str) -> Kind:
    """Return a kind of connector, perfusio's own or that of another package.

    Raises:
        ConfigError: there is none of this name.
        ExtensionError: it cannot be loaded.
    """
    if name in KINDS:
        return KINDS[name]
    settings = factories.settings_of(CONNECTORS, name)

    def opened(chosen: Frozen, opening: Opening) -> Any:
        from perfusio.protocols import Connector
        from perfusio.twin.vessels import Rig

        found = factories.make(CONNECTORS, name, chosen, opening=opening, process=opening.process)
        if not isinstance(found, Connector | Rig):
            extension = CONNECTORS.find(name)[1]
            raise ExtensionError(
                f"The connector {name!r} of the package {extension.package} gave {type(found).__name__}, which has not "
                "all that a connector has (read_sample, read_setpoints, write_setpoints, kind, confirms_at_once), nor "
                "vessels(). Its author can try check_connector of perfusio.testing."
            )
        return found

    return Kind(settings, factories.paths_of(settings), opened)


def refuse_secret(value: str, origin: str, name: str = "url") -> None:
    """Refuse a password in a file that people share.

    Raises:
        ConfigError: the name of the source holds a password.
    """
    if without_secret(value) != value:
        elsewhere = "set the whole URL in the environment: PERFUSIO_CONNECTOR_URL"
        if name != "url":
            elsewhere = "name a user, and the file of the password: user, password_file"
        raise ConfigError(
            f"{origin}: connector.{name} has a password in it, which does not belong into a file. Take it out, and "
            f"{elsewhere}."
        )


def without_secret(url: str) -> str:
    """Return a URL as it may be shown."""
    from perfusio.connectors.database import secrets

    return secrets.without_secret(url)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--out {folder} cannot be made: {error.strerror}. Choose a folder that you may write."
        ) from error
