"""A sheet with an hourly sensor and an analyzer that answers late: no sample is refused for being late."""

import asyncio

from perfusio.config import DesignSpace, RunConfig
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.species import Species
from perfusio.record.verification.verify import read_records, verify
from perfusio.testing import ManualClock, in_virtual_time
from perfusio.twin.digital_twin import DigitalTwin

PROCESS = CHO_PERFUSION.with_(Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd"))


def test_a_sensor_that_reads_on_does_not_hide_that_samples_stay_away(tmp_path, persistence, alternating):
    clock, path = ManualClock(), tmp_path / "culture.csv"
    rows = ["hours,vcd,viability,glucose,lactate,ammonium,capacitance\n", "0,20,97,4,8,3,\n"]
    path.write_text("".join(rows))

    async def the_sensor():
        for hour in range(6, 80, 6):
            await clock.sleep(6 * 3600.0)
            rows.append(f"{hour},,,,,,{20 + hour / 24:.2f}\n")
            path.write_text("".join(rows))

    store = FilesystemStore(path, follow=True, poll_seconds=600.0, sleep=clock.sleep, panel=PROCESS)
    twin = DigitalTwin(
        connector={"R01": store}, design_space=DesignSpace.of(PROCESS), model=persistence, policy=alternating,
        run_config=RunConfig(duration_days=2, n_paths=16, forecast_days=4, run_dir=tmp_path, process=PROCESS),
        clock=clock,
    )  # fmt: skip

    async def main():
        reading = asyncio.ensure_future(the_sensor())
        try:
            return await twin.run()
        finally:
            reading.cancel()

    assert in_virtual_time(main(), clock).n_samples == 1
    records = list(read_records(tmp_path / "audit.jsonl"))
    assert [r.payload["level"] for r in records if r.event == "AlarmRaised"] == ["act", "escalated"]
    cleared = [r.payload["alarm"] for r in records if r.event == "AlarmChanged"]
    assert cleared == ["sample:act"], "the graver one takes its place, and stays"


def test_a_sample_that_comes_after_signals_of_a_later_time_is_taken_in_at_its_place(
    tmp_path, persistence, alternating
):
    clock, drop = ManualClock(), tmp_path / "drop"
    drop.mkdir()
    samples, readings = ["hours,vcd,viability,glucose,lactate,ammonium\n", "0,20,97,4,8,3\n"], ["hours,capacitance\n"]

    def save():
        (drop / "analyzer.csv").write_text("".join(samples))
        (drop / "sensor.csv").write_text("".join(readings))

    async def the_lab():
        """The sensor every six hours; the samples of hours 24, 48 and 72 are analyzed 14, 0 and 2 hours later."""
        for hour in range(2, 100, 2):
            await clock.sleep(2 * 3600.0)
            if hour % 6 == 0 and hour % 24:
                readings.append(f"{hour},{20 + hour / 24:.2f}\n")
            for taken, later in ((24, 14), (48, 0), (72, 2)):
                if hour == taken + later:
                    samples.append(f"{taken},{20 + taken / 24:.2f},97,4,8,3\n")
            save()

    save()
    store = FilesystemStore(drop, follow=True, poll_seconds=600.0, sleep=clock.sleep, panel=PROCESS)
    twin = DigitalTwin(
        connector={"R01": store}, design_space=DesignSpace.of(PROCESS), model=persistence, policy=alternating,
        run_config=RunConfig(duration_days=3, n_paths=16, forecast_days=4, run_dir=tmp_path, process=PROCESS),
        clock=clock,
    )  # fmt: skip

    async def main():
        growing = asyncio.ensure_future(the_lab())
        try:
            return await twin.run()
        finally:
            growing.cancel()

    result = in_virtual_time(main(), clock)
    record = tmp_path / "audit.jsonl"
    assert verify(record).is_intact
    refused = [r.reason for r in read_records(record) if r.event in ("SampleQuarantined", "SampleMissing")]
    assert refused == []
    assert (result.outcome.name, result.n_samples, result.n_decisions) == ("COMPLETED", 4, 3)
    states = result.trajectories["R01"].states
    assert [s.time_h for s in states if not s.is_signal] == [0.0, 24.0, 48.0, 72.0]
    assert [s.time_h for s in states] == sorted(s.time_h for s in states)
    assert sum(s.is_signal for s in states) >= 9
