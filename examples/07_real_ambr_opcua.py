"""The twin on a rig behind an OPC UA server: yours, or with --simulate one that this script starts.

    python examples/07_real_ambr_opcua.py --endpoint opc.tcp://localhost:4840/ --days 28
    python examples/07_real_ambr_opcua.py --simulate

A real server needs a node map (--nodes, default nodes.toml) and a certificate that you trust; `perfusio opcua` sets up
both. The twin then advises; only with --automatic does it write. The simulated rig is first advised for three days,
then run by the twin. Writes into opcua-twin/: the record of each run (audit.jsonl) and its forecast. --simulate takes
two minutes; SMOKE_TEST=1 makes it less.
"""

import argparse
import asyncio
import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from perfusio.cli.runs.live import Live
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates, login
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import PerfusioError
from perfusio.protocols import Model
from perfusio.report.forecast_plot import plot_record
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_rig import SimulatedOpcUaRig
from perfusio.twin.digital_twin import DigitalTwin

OUT = Path("opcua-twin")
IS_SMOKE_TEST = bool(os.environ.get("SMOKE_TEST"))
NEEDS = (
    "A real rig needs three things: --endpoint, the address of its OPC UA server; --nodes, a map from nodes to "
    "quantities; --certificates, a folder in which the server's certificate is trusted. perfusio opcua sets up both. "
    "Without a rig: python examples/07_real_ambr_opcua.py --simulate"
)
ADVISED_DAYS, DAYS, N_PATHS = (1, 3, 32) if IS_SMOKE_TEST else (3, 28, 256)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="opc.tcp://localhost:4840/")
    parser.add_argument("--simulate", action="store_true", help="start a server with a virtual rig, and use that")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--nodes", type=Path, default=Path("nodes.toml"), help="the node map")
    parser.add_argument("--certificates", type=Path, default=Path("opcua-certificates"))
    parser.add_argument("--user", help="password by --password-file or PERFUSIO_OPCUA_PASSWORD")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--insecure", action="store_true", help="accept a server without encryption")
    parser.add_argument("--automatic", action="store_true", help="let the twin write setpoints")
    args = parser.parse_args()
    if args.simulate and args.days < ADVISED_DAYS + 2:
        parser.error(f"--days {args.days}: expected {ADVISED_DAYS + 2} or more, the first {ADVISED_DAYS} advised")
    return args


async def run(connector: OpcUaConnector, name: str, *, days: int, mode: Mode, model: Model | None = None) -> Model:
    """Run the twin for some days, in a folder of its own, and return what it has learnt."""
    config = RunConfig(duration_days=days, mode=mode, n_paths=N_PATHS, run_dir=OUT / name)
    config.run_dir.mkdir(parents=True, exist_ok=True)
    print(f"\n{name}: {days} days on {connector.session.access.endpoint}, mode {mode.value}")
    with Live(config.n_turns) as live:
        twin = DigitalTwin(
            connector=connector.vessels(),
            design_space=DEFAULT_AMBR250_DESIGN_SPACE,
            run_config=config,
            model=model,
            observers=(live,),
        )
        result = await twin.run()
    plot_record(config.run_dir / "audit.jsonl", config.run_dir / "forecast.png")
    print(f"{result.outcome.name}: {result.n_samples} samples, {result.n_decisions} decisions")
    return twin.model


async def main() -> None:
    """Connect, and run the twin: advised, or advised first and then automatic."""
    args = parsed()
    with ExitStack() as stack:
        timing = Timing()
        if args.simulate:
            rig = stack.enter_context(SimulatedOpcUaRig(SimulatedAmbr250(days=args.days, seed=0), identity=identity()))
            # what `perfusio opcua trust` and a person with an editor do for a real server
            args.endpoint, args.nodes, args.certificates = rig.server.endpoint, OUT / "nodes.toml", OUT / "certificates"
            OUT.mkdir(exist_ok=True)
            args.nodes.write_text(rig.server.toml(), encoding="utf-8")
            Certificates(args.certificates).trust(rig.server.identity.certificate)
            timing = replace(timing, poll=0.02)  # virtual days pass as soon as the twin has done with one
        connector = OpcUaConnector(
            args.endpoint,
            args.nodes,
            login=login(args.user, password_file=args.password_file),
            certificates=args.certificates,
            allow_insecure=args.insecure,
            timing=timing,
        )
        async with connector:
            if args.simulate:
                learnt = await run(connector, "advised", days=ADVISED_DAYS, mode=Mode.ADVISORY)
                left = args.days - ADVISED_DAYS - 1
                await run(connector, "automatic", days=left, mode=Mode.AUTOMATIC, model=learnt)
                for name, vessel in connector.vessels().items():
                    written = len(rig.server.witness.written)
                    print(f"{name}: {written} values written, writing {vessel.stopped or 'never stopped'}")
            else:
                mode = Mode.AUTOMATIC if args.automatic else Mode.ADVISORY
                await run(connector, mode.value, days=args.days, mode=mode)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except PerfusioError as error:
        sys.exit(f"{error}\n{NEEDS}")
