"""A sample that a person types while its source is silent is that of its turn, which then goes on."""

import asyncio
import json
from contextlib import suppress

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give

PATIENCE_S = 60.0
WHO = {"who": "Olga (olga)", "why": "The analyzer's file does not come."}


class SilentVessel(ScriptedConnector):
    """A real vessel whose file has two samples and then no more."""

    async def read_sample(self):
        if not self._script:
            await asyncio.Event().wait()
        return await super().read_sample()


async def _until(record, event, turn):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            lines = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
            if found := [line for line in lines if line["event"] == event and line["turn"] == turn]:
                return lines, found[-1]
            await asyncio.sleep(0.05)


async def test_a_typed_sample_ends_the_wait_of_its_turn(tmp_path):
    vessel = SilentVessel([make_state(day=0), make_state(day=1)], kind=ConnectorKind.HARDWARE)
    config = RunConfig(duration_days=9, run_dir=tmp_path / "run", mode=Mode.ADVISORY, forecast_days=3, n_paths=16)
    twin = DigitalTwin(connector={"R01": vessel}, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                       model=SteadyModel(), policy=SteppingPolicy())  # fmt: skip
    record, task = config.run_dir / "audit.jsonl", asyncio.ensure_future(twin.run())
    try:
        await _until(record, "Withheld", 1)
        values = make_state(day=2).measured()
        give(config.run_dir, Order(act="enter", reactor="R01", value="48.0", measured=values, **WHO))
        lines, _ = await _until(record, "Withheld", 2)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    read = next(line for line in lines if line["event"] == "SampleRead" and line["turn"] == 2)["payload"]
    assert (read["state"]["time_h"], read["extra"]) == (48.0, False)
    assert read["state"]["quality"]["glucose"] == "entered by hand"
    acted = next(line for line in lines if line["event"] == "OperatorActed")["payload"]
    assert (acted["act"], acted["is_done"], acted["answer"]) == ("enter", True, "It is the sample of this turn.")
    assert not [line for line in lines if line["event"] in ("SampleMissing", "DayMissed", "OverrideDetected")]
