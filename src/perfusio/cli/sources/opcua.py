"""`perfusio opcua`: set up a connection to an OPC UA server, step by step, before a twin runs on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.experiment_file.processes import ProcessOption, panel_in
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.connectors.opc_ua.access import Access
    from perfusio.connectors.opcua import OpcUaConnector
    from perfusio.process.panel import Panel

opcua = typer.Typer(
    help="Set up a connection to an OPC UA server: trust it, look around, check a node map.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
EndpointArgument = Annotated[str, typer.Argument(help="opc.tcp://HOST:PORT/PATH", metavar="ENDPOINT")]
CertificatesOption = Annotated[Path, typer.Option(help="Folder of our certificate and of those that are trusted.")]
UserOption = Annotated[
    str | None, typer.Option(help="User; the password comes from --password-file or the environment.")
]
PasswordOption = Annotated[Path | None, typer.Option(help="File with the password; readable by you only.")]
InsecureOption = Annotated[bool, typer.Option("--insecure", help="Accept a server that offers no encryption.")]
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
    json_output: JsonOption = False,
) -> None:
    """Connect, find every node of a map, and show its present value. Nothing is written.

    Exit code 0: all nodes are as the map says and readable. 1: the server cannot be reached. 2: the map, or trust. 3: a
    node is missing, of another type or name, or Bad.
    """
    import asyncio

    from perfusio.connectors.opc_ua.security import login
    from perfusio.connectors.opcua import OpcUaConnector

    connector = OpcUaConnector(
        endpoint,
        nodes,
        login=login(user, password_file=password_file),
        certificates=certificates,
        allow_insecure=insecure,
        panel=panel_in(process),
    )
    rows = asyncio.run(_rows(connector))
    if json_output:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            right = "write" if row["writes"] else "read"
            value = "-" if row["value"] is None else f"{row['value']:g} {row['unit']}"
            print(f"{row['reactor']:8}{row['name']:18}{value:22}{row['type']:8}{right:7}{row['status']}")
    bad = [f"{row['reactor']} {row['name']}" for row in rows if row["value"] is None]
    if bad:
        print(f"No value now: {', '.join(bad)}", file=sys.stderr)
        raise typer.Exit(3)


async def _rows(connector: OpcUaConnector) -> list[dict[str, Any]]:
    session = connector.session
    try:
        tags = {name: vessel.tags() for name, vessel in session.node_map.vessels.items()}
        found = await session.read([tag for some in tags.values() for tag in some])
        return [
            {
                "reactor": reactor,
                "name": tag.name,
                "value": tag.factor * found[tag].value if found[tag].is_usable else None,
                "unit": _unit(session.node_map.vessels[reactor].panel, tag.name),
                "type": session.resolved[tag].type_name,
                "browse_name": session.resolved[tag].browse_name,
                "writes": tag.write,
                "status": str(found[tag]),
            }
            for reactor, some in tags.items()
            for tag in some
        ]
    finally:
        await connector.close()


def _unit(panel: Panel, name: str) -> str:
    return panel[name].unit if name in panel.by_name else "h" if name == "time" else ""


def _access(endpoint: str, certificates: Path, user: str | None, password_file: Path | None, insecure: bool) -> Access:
    from perfusio.connectors.opc_ua.access import Access
    from perfusio.connectors.opc_ua.security import Certificates, login

    return Access(
        endpoint=endpoint,
        certificates=Certificates(certificates),
        login=login(user, password_file=password_file),
        allow_insecure=insecure,
    )
