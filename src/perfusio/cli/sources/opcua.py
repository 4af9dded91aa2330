"""`perfusio opcua`: set up a connection to an OPC UA server, step by step, before a twin runs on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.experiment_file.processes import ProcessOption, panel_in
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.connectors.opc_ua.access import Access
    from perfusio.connectors.opcua import OpcUaConnector
    from perfusio.process.panel import Panel

opcua = typer.Typer(
    help="Set up a connection to an OPC UA server: trust it, look around, draft a node map, check it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
EndpointArgument = Annotated[str, typer.Argument(help="opc.tcp://HOST:PORT/PATH", metavar="ENDPOINT")]
CertificatesOption = Annotated[Path, typer.Option(help="Folder of our certificate and of the trusted ones.")]
UserOption = Annotated[
    str | None, typer.Option(help="User; the password comes from --password-file or the environment.")
]
PasswordOption = Annotated[Path | None, typer.Option(help="File with the password; readable by you only.")]
InsecureOption = Annotated[bool, typer.Option("--insecure", help="Accept a server that offers no encryption.")]
ExperimentOption = Annotated[
    Path | None,
    typer.Option(help="The experiment.toml of the run: its process and its design space.", metavar="FILE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
FOLDER = Path("opcua-certificates")


@opcua.command()
def trust(
    endpoint: EndpointArgument,
    fingerprint: Annotated[
        str | None, typer.Option(help="SHA-256 that the server itself shows; trusted if it is the same.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Trust what is shown without comparing; for tests only.")] = False,
    certificates: CertificatesOption = FOLDER,
) -> None:
    """Show the certificate of a server, and trust it from now on if its fingerprint is the expected one.

    Our own certificate is made if there is none yet; the server has to trust it too.
    """
    import asyncio

    from cryptography import x509

    from perfusio.connectors.opc_ua.certificates import fingerprint as fingerprint_of
    from perfusio.connectors.opc_ua.certificates import hosts_of, uris
    from perfusio.connectors.opc_ua.connecting import shown_certificate
    from perfusio.connectors.opc_ua.security import Certificates

    folder = Certificates(certificates)
    folder.own()
    found: x509.Certificate = asyncio.run(shown_certificate(_access(endpoint, certificates, None, None, False)))
    print(f"Subject      {found.subject.rfc4514_string()!a}")
    print(f"Application  {', '.join(map(ascii, uris(found))) or 'none'}")
    print(f"Hosts        {', '.join(map(ascii, hosts_of(found))) or 'none'}")
    print(f"Valid        {found.not_valid_before_utc:%Y-%m-%d} to {found.not_valid_after_utc:%Y-%m-%d}")
    print(f"SHA-256      {fingerprint_of(found)}")
    plain = fingerprint.replace(":", "").replace(" ", "").upper() if fingerprint is not None else None
    if plain is not None and plain != fingerprint_of(found).replace(":", ""):
        raise ConfigError(
            f"{endpoint}: the fingerprint is not the expected one ({fingerprint}). This may be another server that "
            "pretends. Nothing was trusted. Ask who runs the server."
        )
    if plain is None and not yes:
        raise ConfigError(
            "Nothing was trusted yet. Compare the SHA-256 with what the server itself shows (its configuration "
            f"tool, or who runs it), then: perfusio opcua trust {endpoint} --fingerprint THAT"
        )
    print(f"Trusted      {folder.trust(found)}")
    print(f"Ours         {folder.folder / 'own' / 'certificate.der'} (have the server trust it)")


@opcua.command()
def browse(
    endpoint: EndpointArgument,
    below: Annotated[str, typer.Option(help="Only nodes whose path contains this text.", metavar="TEXT")] = "",
    depth: Annotated[int, typer.Option(help="Levels to go down from the folder Objects.", min=1, max=20)] = 5,
    user: UserOption = None,
    password_file: PasswordOption = None,
    certificates: CertificatesOption = FOLDER,
    insecure: InsecureOption = False,
    json_output: JsonOption = False,
) -> None:
    """List the variables of a server: path, node, type, right, value, and the URI of the namespace."""
    import asyncio

    from perfusio.connectors.opc_ua.browse import variables

    access = _access(endpoint, certificates, user, password_file, insecure)
    found = [v for v in asyncio.run(variables(access, depth=depth)) if below.casefold() in v.path.casefold()]
    if json_output:
        print(json.dumps([v.to_json() for v in found], indent=1))
        return
    for variable in found:
        right = "write" if variable.may_write else "read"
        print(f"{ascii(variable.path)[1:-1]}\n  {variable.identifier}  {variable.type_name}, {right}, {variable.value}")
        print(f"  {variable.namespace}")
    print(f"{len(found)} variables")


@opcua.command()
def check(
    endpoint: EndpointArgument,
    nodes: Annotated[Path, typer.Option(help="The node map.", metavar="FILE")],
    user: UserOption = None,
    password_file: PasswordOption = None,
    certificates: CertificatesOption = FOLDER,
    insecure: InsecureOption = False,
    process: ProcessOption = None,
    experiment: ExperimentOption = None,
    json_output: JsonOption = False,
) -> None:
    """Connect, find every node of a map, show its present value, and what does not fit. Nothing is written.

    Compared are map and server, process and design space: units, ranges, steps, rights, times and clocks. The design
    space is that of the experiment with --experiment, else that of the process.

    Exit code 0: all nodes are as the map says, readable, and fit. 1: the server cannot be reached. 2: the map, or
    trust. 3: a node is missing, of another type or name, or Bad; or something does not fit.
    """
    import asyncio

    from perfusio.cli.sources.design_spaces import spaces_of
    from perfusio.cli.sources.opcua_rows import checked, row_text

    spaces = spaces_of(process, experiment)
    connector = _connector(endpoint, nodes, user, password_file, certificates, insecure, spaces.panel)
    rows, problems = asyncio.run(checked(connector, spaces))
    bad = [f"{row['reactor']} {row['name']}" for row in rows if not row["readable"]]
    if json_output:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(row_text(row))
        if spaces.common is None:
            print(_wrapped(f"Not compared with a design space: {spaces.panel.name} declares none. --experiment FILE."))
    for problem in problems:
        print(_wrapped(f"- {problem}"), file=sys.stderr)
    if bad:
        print(_wrapped(f"No value now: {', '.join(bad)}"), file=sys.stderr)
    if bad or problems:
        raise typer.Exit(3)


@opcua.command()
def draft(
    endpoint: EndpointArgument,
    out: Annotated[Path | None, typer.Option(help="Write the map here instead of printing it.", metavar="FILE")] = None,
    vessel: Annotated[str | None, typer.Option(help="The one vessel to draft for.", metavar="NAME")] = None,
    inoculated: Annotated[
        str | None, typer.Option(help="Start of the culture, 2026-11-02T09:00:00+01:00, where no node holds its age.")
    ] = None,
    depth: Annotated[int, typer.Option(help="Levels to go down from the folder Objects.", min=1, max=20)] = 10,
    user: UserOption = None,
    password_file: PasswordOption = None,
    certificates: CertificatesOption = FOLDER,
    insecure: InsecureOption = False,
    process: ProcessOption = None,
) -> None:
    """Write a node map from what the server holds, a LADS server (OPC 30500-1) included. Nothing there is written.

    Variables are known by their names, units by the server's EngineeringUnits. All are read-only until you say
    write = true. Look through the map, then check it.
    """
    import asyncio
    from datetime import datetime

    from perfusio.connectors.opc_ua.browse import surveyed
    from perfusio.connectors.opc_ua.draft import draft as drafted

    if inoculated is not None:
        try:
            is_dated = datetime.fromisoformat(inoculated).tzinfo is not None
        except ValueError:
            is_dated = False
        if not is_dated:
            raise ConfigError(f"--inoculated {inoculated}: expected e.g. 2026-11-02T09:00:00+01:00, with its offset.")
    if out is not None and out.exists():
        raise ConfigError(f"{out} is there already. Nothing was changed; give another name, or remove it.")
    found = asyncio.run(surveyed(_access(endpoint, certificates, user, password_file, insecure), depth=depth))
    text = drafted(found, panel_in(process), vessel=vessel, inoculated=inoculated)
    if out is None:
        print(text, end="")
        return
    out.write_text(text, encoding="utf-8")
    print(f"Written to {out}. Look through it, then:")
    print(f"perfusio opcua check {endpoint} --nodes {out}")


@opcua.command()
def sample(
    endpoint: EndpointArgument,
    nodes: Annotated[Path, typer.Option(help="The node map.", metavar="FILE")],
    user: UserOption = None,
    password_file: PasswordOption = None,
    certificates: CertificatesOption = FOLDER,
    insecure: InsecureOption = False,
    process: ProcessOption = None,
    json_output: JsonOption = False,
) -> None:
    """Wait for a sample of every vessel of a map, and show it as a twin would read it. Nothing is written."""
    import asyncio

    from perfusio.cli.sources.opcua_rows import first_samples, sample_text

    connector = _connector(endpoint, nodes, user, password_file, certificates, insecure, panel_in(process))
    found = asyncio.run(first_samples(connector))
    if json_output:
        print(json.dumps({reactor: {"time_h": s.time_h, **s.measured()} for reactor, s in found.items()}, indent=1))
        return
    for reactor, state in found.items():
        print(sample_text(reactor, state))


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, width=79, subsequent_indent="  ", break_on_hyphens=False)


def _connector(
    endpoint: str,
    nodes: Path,
    user: str | None,
    password_file: Path | None,
    certificates: Path,
    insecure: bool,
    panel: Panel,
) -> OpcUaConnector:
    from perfusio.connectors.opc_ua.security import login
    from perfusio.connectors.opcua import OpcUaConnector

    return OpcUaConnector(
        endpoint,
        nodes,
        login=login(user, password_file=password_file),
        certificates=certificates,
        allow_insecure=insecure,
        panel=panel,
    )


def _access(endpoint: str, certificates: Path, user: str | None, password_file: Path | None, insecure: bool) -> Access:
    from perfusio.connectors.opc_ua.access import Access
    from perfusio.connectors.opc_ua.security import Certificates, login

    return Access(
        endpoint=endpoint,
        certificates=Certificates(certificates),
        login=login(user, password_file=password_file),
        allow_insecure=insecure,
    )
