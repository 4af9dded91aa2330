"""Many vessels in one twin: one vessel's trouble changes not one bit for the others; they join, leave and differ."""

import asyncio
from dataclasses import replace
from functools import cache
from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig, maximize, track
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.decision import Decision, Reason
from perfusio.errors import ConfigError
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.clones.relatives import CloneResidual
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.record.verification.verify import read_records
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.deciding.saved_models import load
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.replay import Replay
from perfusio.twin.timeouts import Patience
from perfusio.twin.vessels import Vessel

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
BAD_DAYS = range(2, 7)
REASON = Reason(text="Because.", improvement=0.1, limiting="none", limiting_probability=1.0, feasible=True)


async def rounds(_seconds):
    """Time that passes in rounds of the event loop: whoever is not held up has answered long before."""
    for _ in range(300):
        await asyncio.sleep(0)


PATIENCE = Patience(samples_s=1.0, call_s=1.0, sleep=rounds)


def days(n, *, start=0, **values):
    return [make_state(day=d, **values) for d in range(start, n + 1)]


class Stalled(ScriptedConnector):
    """Never answers a call that waits for `back`, until it is set."""

    def __init__(self, script, *, operations=("read_sample",), from_sample=2, **options):
        super().__init__(script, **options)
        self.back, self.n_read = asyncio.Event(), 0
        self._operations, self._from = operations, from_sample

    async def read_sample(self):
        if self.n_read >= self._from and "read_sample" in self._operations:
            await self.back.wait()
        self.n_read += 1
        return await super().read_sample()

    async def read_setpoints(self):
        if self.n_read > self._from and "read_setpoints" in self._operations:
            await self.back.wait()
        return await super().read_setpoints()

    async def write_setpoints(self, setpoints):
        if self.n_read > self._from and "write_setpoints" in self._operations:
            await self.back.wait()
        return await super().write_setpoints(setpoints)


class Troubled:
    """A simulated vessel whose link fails in one way on BAD_DAYS; the vessel itself goes on."""

    kind, confirms_at_once = SimulatedAmbr250.kind, True

    def __init__(self, rig, how):
        self._rig, self._how, self.is_back = rig, how, asyncio.Event()

    async def read_sample(self):
        sample = await self._rig.read_sample()
        if self._how == "hangs" and sample.day in BAD_DAYS:
            while sample.day in BAD_DAYS:
                sample = await self._rig.read_sample()
            await self.is_back.wait()
        if self._how == "absent":
            while sample.day in BAD_DAYS:
                sample = await self._rig.read_sample()
        if self._how == "raises" and sample.day in BAD_DAYS:
            raise ZeroDivisionError("in a driver")
        if self._how == "nonsense" and sample.day in BAD_DAYS:
            nonsense = {2: None, 3: "n.d.", 4: replace(sample, vcd=-4.0), 5: replace(sample, vcd="12"),
                        6: replace(sample, time_h=nan)}  # fmt: skip
            return nonsense[round(sample.day)]
        return sample

    async def read_setpoints(self):
        return await self._rig.read_setpoints()

    async def write_setpoints(self, setpoints):
        return await self._rig.write_setpoints(setpoints)

    def hear(self, event):
        if type(event).__name__ == "ModelConditioned" and event.turn == BAD_DAYS[-1]:
            self.is_back.set()


class Steering:
    """Bleeds what the model expects to grow: cheap, and each bit of the model is in what it decides."""

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        return {r: self.decision(t, in_force[r], model, config) for r, t in trajectories.items()}

    def decision(self, trajectory, current, model, config):
        plans = [[current] * config.forecast_days]
        (hold,) = model.rollout(trajectory, plans, interval_hours=24.0, n_paths=config.n_paths, seed=0)
        bleed = current.bleed_rate + 0.1 * np.log(hold["vcd"].mean[-1] / 30.0)
        chosen = replace(current, bleed_rate=float(np.clip(bleed, 0.05, 0.3)))
        (there,) = model.rollout(
            trajectory, [[chosen] * config.forecast_days], interval_hours=24.0, n_paths=config.n_paths, seed=0
        )
        return Decision(
            reactor_id=trajectory.reactor_id, setpoints=chosen, chosen=there, hold=hold, reason=REASON,
            acquisition=config.acquisition, score=0.1, model_id=model.model_id,
        )  # fmt: skip


class Clones(dict):
    """Clones by reactor, to be cached by."""

    def __hash__(self):
        return hash(tuple(self.items()))


@pytest.fixture(scope="module")
def decisions_when(tmp_path_factory):
    """Run six vessels with the model as it is; return what was decided for the five good ones, and all."""

    def run(how, clones=None):
        names = clones or dict.fromkeys((f"R{i:02d}" for i in range(1, 7)), "")
        rigs = {r: SimulatedAmbr250(seed=i, days=8) for i, r in enumerate(names, start=1)}  # nothing in common
        bad = Troubled(rigs["R03"], how)
        folder = tmp_path_factory.mktemp(how)
        vessels = {r: Vessel(connector=c, clone=names[r]) for r, c in (rigs | {"R03": bad}).items()}
        twin = DigitalTwin(
            connector=vessels, design_space=SPACE, patience=PATIENCE, policy=Steering(),
            observers=(bad.hear,), run_config=RunConfig(duration_days=8, n_paths=16, forecast_days=3, run_dir=folder),
        )  # fmt: skip
        assert asyncio.run(twin.run()).outcome.name == "COMPLETED"
        events = [r.to_event() for r in read_records(folder / "audit.jsonl")]
        good = [
            (e.reactor, e.turn, e.setpoints, e.chosen, e.hold, e.model_id)
            for e in events
            if type(e).__name__ == "Decided" and e.reactor != "R03"
        ]
        return good, events

    return cache(run)


TOLD = ("SampleMissing", "ConnectorFailed", "ConnectorRecovered", "SampleQuarantined")


class TestTrouble:
    @pytest.mark.parametrize("how", ["hangs", "raises", "nonsense"])
    def test_for_five_days_changes_not_one_bit_for_the_others(self, decisions_when, how):
        absent, found = decisions_when("absent"), decisions_when(how)
        assert len(absent[0]) == 5 * 8
        assert found[0] == absent[0]
        decided = [e.turn for e in found[1] if type(e).__name__ == "Decided" and e.reactor == "R03"]
        assert decided == [0, 1, 7]

    def test_of_the_only_vessel_of_a_clone_changes_not_one_bit_for_another_clone(self, decisions_when):
        clones = Clones({"R01": "X", "R02": "X", "R03": "Y"})
        absent, found = (decisions_when(how, clones)[0] for how in ("absent", "nonsense"))
        assert len(absent) == 2 * 8
        assert found == absent

    def test_is_on_record(self, decisions_when):
        of = {
            how: [
                (type(e).__name__, e.turn)
                for e in decisions_when(how)[1]
                if e.reactor == "R03" and type(e).__name__ in TOLD
            ]
            for how in ("hangs", "raises", "nonsense")
        }
        assert of["hangs"] == [("SampleMissing", d) for d in BAD_DAYS]
        # told once when it begins and once when it is over; when that is depends on how soon it was tried again
        links = [name for name, _ in of["raises"] if name.startswith("Connector")]
        assert links == ["ConnectorFailed", "ConnectorRecovered"]
        assert [t for name, t in of["raises"] if name == "SampleMissing"] == list(BAD_DAYS)
        assert [name for name, _ in of["nonsense"] if name != "SampleMissing"] == [
            "ConnectorFailed", "ConnectorRecovered", "SampleQuarantined",
            "ConnectorFailed", "ConnectorRecovered", "SampleQuarantined",
        ]  # fmt: skip

    @pytest.mark.parametrize("operation", ["read_sample", "read_setpoints", "write_setpoints"])
    async def test_a_call_that_is_never_answered_holds_up_nobody(self, run_twin, operation):
        good = ScriptedConnector(days(6))
        bad = Stalled(days(6), operations=(operation,))
        run = await run_twin({"R01": bad, "R02": good}, days=6, patience=PATIENCE)
        assert run.result.outcome.name == "COMPLETED"
        assert len(good.written) == 6
        alone = await run_twin({"R02": ScriptedConnector(days(6))}, days=6, run_dir=run.path.parent / "alone")
        assert [e.setpoints for e in run.of("Decided", reactor="R02")] == [e.setpoints for e in alone.of("Decided")]
        words = {
            "read_sample": ("SampleMissing", "No sample within"),
            "read_setpoints": ("ConnectorFailed", "No answer within 1 s"),
            "write_setpoints": ("WriteUnknown", "No answer within 1 s"),
        }
        name, text = words[operation]
        told = run.of(name, reactor="R01")
        assert told
        assert all(text in e.reason for e in told)

    async def test_a_sample_that_is_late_comes_with_the_next_turn_and_is_not_lost(self, run_twin):
        bad = Stalled(days(4))

        def hear(event):
            if type(event).__name__ == "ModelConditioned" and event.turn == 2:
                bad.back.set()

        run = await run_twin(
            {"R01": bad, "R02": ScriptedConnector(days(4))}, patience=PATIENCE, observers=(hear,)
        )
        assert [(e.turn, e.state.day, e.extra) for e in run.of("SampleRead", reactor="R01")] == [
            (0, 0, False), (1, 1, False), (3, 2, True), (3, 3, False), (4, 4, False),
        ]  # fmt: skip
        assert [e.turn for e in run.of("Decided", reactor="R01")] == [0, 1, 3]

    async def test_a_source_that_repeats_itself_for_ever_holds_up_nobody(self, run_twin):
        class Broken(ScriptedConnector):
            async def read_sample(self):
                return make_state(day=0)

        good = ScriptedConnector(days(2))
        run = await run_twin({"R01": Broken([]), "R02": good}, days=2, patience=PATIENCE)
        assert run.result.outcome.name == "COMPLETED"
        assert len(good.written) == 2

    async def test_whoever_hangs_from_the_start_joins_when_it_answers(self, run_twin):
        bad = Stalled(days(4), from_sample=0)

        def hear(event):
            if type(event).__name__ == "ModelConditioned" and event.turn == 1:
                bad.back.set()

        run = await run_twin(
            {"R01": bad, "R02": ScriptedConnector(days(4))}, patience=PATIENCE, observers=(hear,)
        )
        assert [e.turn for e in run.of("SampleRead", reactor="R01")] == [2, 3, 4]
        assert [e.turn for e in run.of("SampleRead", reactor="R02")] == [0, 1, 2, 3, 4]

    async def test_setpoints_that_are_none_are_one_vessels_trouble(self, run_twin):
        class Broken(ScriptedConnector):
            async def read_setpoints(self):
                return None

        run = await run_twin({"R01": Broken(days(2)), "R02": ScriptedConnector(days(2))}, days=2)
        assert run.counts == ("COMPLETED", 6, 4)
        assert {e.operation for e in run.of("ConnectorFailed")} == {"read_setpoints"}
        assert len(run.of("SetpointsWritten", reactor="R02")) == 2


class TestJoinAndLeave:
    async def test_a_source_that_ends_leaves_and_its_data_stay(self, run_twin, alternating):
        run = await run_twin(
            {"R01": ScriptedConnector(days(4)), "R02": ScriptedConnector(days(2))}, policy=alternating
        )
        (left,) = run.of("VesselLeft")
        assert (left.reactor, left.turn, left.reason) == ("R02", 3, "Its source has no further samples.")
        assert run.of("SampleMissing", "Forecasted", reactor="R02") == []
        assert len(run.result.trajectories["R02"].states) == 3
        assert [t.reactor_id for t in run.twin._turns.observed()] == ["R01", "R02"]

    async def test_a_contaminated_vessel_is_never_written_again(self, run_twin):
        twins = []
        connectors = {r: ScriptedConnector(days(4)) for r in ("R01", "R02")}

        def operator(event):
            if (type(event).__name__, event.reactor, event.turn) == ("Decided", "R01", 2):
                twins[0].leave("R01", reason="Contaminated.")

        run = await run_twin(connectors, observers=(operator,), made=twins.append)
        assert [e.turn for e in run.of("SetpointsWritten", reactor="R01")] == [0, 1]
        assert [e.turn for e in run.of("SampleRead", reactor="R01")] == [0, 1, 2]
        assert [e.turn for e in run.of("SetpointsWritten", reactor="R02")] == [0, 1, 2, 3]
        assert [(e.turn, e.reason) for e in run.of("VesselLeft")] == [(2, "Contaminated.")]

    async def test_a_vessel_that_joins_is_decided_for_from_its_first_sample_on(self, run_twin):
        twins = []
        late = ScriptedConnector(days(2))

        def operator(event):
            if (type(event).__name__, event.turn) == ("ModelConditioned", 1):
                twins[0].join("R02", Vessel(connector=late, clone="CloneY"), reason="A second inoculation.")

        run = await run_twin({"R01": ScriptedConnector(days(4))}, observers=(operator,), made=twins.append)
        (joined,) = run.of("VesselJoined")
        assert (joined.reactor, joined.turn, joined.mode) == ("R02", 1, "automatic")
        assert [e.turn for e in run.of("Decided", reactor="R02")] == [2, 3]
        assert run.result.trajectories["R02"].clone == "CloneY"
        with pytest.raises(ConfigError, match="R02-2"):
            run.twin.join("R02", late, reason="Again.")
        with pytest.raises(ConfigError, match="Known: R01, R02"):
            run.twin.leave("R03", reason="Who?")

    async def test_vessels_of_a_rig_are_inoculated_on_different_days(self, run_twin):
        rig = SimulatedAmbr250(n_vessels=2, days=4, seed=3, inoculated_after={"R02": 2})
        run = await run_twin(rig)
        assert [e.turn for e in run.of("Decided", reactor="R01")] == [0, 1, 2, 3]
        assert [(e.turn, e.state.day) for e in run.of("SampleRead", reactor="R02")] == [(2, 0), (3, 1), (4, 2)]


class TestOwnTerms:
    async def test_each_vessel_is_decided_for_by_what_is_asked_of_it(self, run_twin, alternating):
        asked = []

        class Noting:
            def decide(self, trajectories, in_force, model, design_space, config, *, day):
                asked.append((day, sorted(trajectories), config.objectives[0].quantity, design_space))
                return alternating.decide(trajectories, in_force, model, design_space, config, day=day)

        narrow = SPACE.holding(temperature=36.0)
        vessels = {
            "R01": ScriptedConnector(days(1)),
            "R02": Vessel(connector=ScriptedConnector(days(1)), objective=maximize("productivity")),
            "R03": Vessel(connector=ScriptedConnector(days(1)), mode=Mode.ADVISORY, clone="CloneY"),
            "R04": Vessel(connector=ScriptedConnector(days(1)), design_space=narrow),
            "R05": Vessel(connector=ScriptedConnector(days(1)), mode=Mode.MANUAL),
        }
        run = await run_twin(vessels, days=1, policy=Noting())
        assert [a[1:3] for a in asked] == [(["R01", "R03"], "vcd"), (["R02"], "productivity"), (["R04"], "vcd")]
        assert asked[2][3] == narrow
        held = run.of("Withheld", reactor="R04")
        assert "temperature 36.5" in held[0].reason  # nominal is not what R04 holds: its own limits are guarded
        assert [e.action for e in run.of("Withheld", reactor="R03")] == ["advise"]
        assert run.of("Decided", reactor="R05") == []
        config = run.events[0].config
        assert config["modes"] == {"R01": "automatic", "R02": "automatic", "R03": "advisory", "R04": "automatic",
                                   "R05": "manual"}  # fmt: skip
        assert set(config["vessels"]) == {"R02", "R04"}
        assert config["vessels"]["R02"]["objective"]["quantity"] == "productivity"
        assert {r: t.clone for r, t in run.result.trajectories.items() if t.clone} == {"R03": "CloneY"}

    async def test_a_policy_that_fails_on_some_terms_fails_no_other(self, run_twin, alternating):
        class Picky:
            def decide(self, trajectories, in_force, model, design_space, config, *, day):
                if config.objectives[0].quantity == "titer":
                    raise ZeroDivisionError("no titer")
                return alternating.decide(trajectories, in_force, model, design_space, config, day=day)

        vessels = {
            "R01": ScriptedConnector(days(2)),
            "R02": Vessel(connector=ScriptedConnector(days(2)), objective=track(titer=300.0)),
        }
        run = await run_twin(vessels, days=2, policy=Picky(), fallback="hold")
        assert {e.reactor for e in run.of("Withheld")} == {"R02"}
        assert len(run.of("SetpointsWritten", reactor="R01")) == 2


class TestClones:
    async def test_one_model_learns_several_clones_apart_and_lets_them_teach_each_other(
        self, run_twin, alternating, tmp_path
    ):
        rigs = {r: SimulatedAmbr250(c, seed=i, days=7) for i, (r, c) in enumerate(
            {"R01": CLONE_X, "R02": CLONE_X, "R03": CLONE_Y}.items())}  # fmt: skip
        vessels = {r: Vessel(connector=rig, clone="Y" if r == "R03" else "X") for r, rig in rigs.items()}
        run = await run_twin(vessels, days=7, model=HybridModel(), policy=alternating)
        assert [e.turn for e in run.of("ModelFitted", "ModelRejected")] == [3, 6]
        model = run.twin.model
        assert isinstance(model, CloneModels)
        assert {c: len(m.courses) for c, m in model.models.items()} == {"X": 2, "Y": 1}
        assert isinstance(model.of("Y").process.residual, CloneResidual)  # since day 6 it learns from the others
        again = list(Replay(tmp_path, alternating).compared())
        assert len(again) == 3 * 7
        assert not any(c.difference for c in again)
        assert load(tmp_path, run.of("ModelSaved")[-1]).of("Y").process.residual.coordinates.tolist() == (
            model.of("Y").process.residual.coordinates.tolist()
        )

    async def test_a_clone_that_joins_is_a_newcomer_among_those_there(self, run_twin, alternating):
        twins = []

        def operator(event):
            if (type(event).__name__, event.turn) == ("ModelFitted", 3):
                late = Vessel(connector=SimulatedAmbr250(CLONE_Y, seed=2, days=1), clone="Y")
                twins[0].join("R02", late, reason="A second cell line.")

        first = Vessel(connector=SimulatedAmbr250(CLONE_X, seed=1, days=5), clone="X")
        run = await run_twin(
            {"R01": first}, days=5, model=HybridModel(), policy=alternating, observers=(operator,), made=twins.append
        )
        assert [e.turn for e in run.of("Decided", reactor="R02")] == [4]
        assert isinstance(run.twin.model.of("Y").process.residual, CloneResidual)
        assert run.twin.model.of("X").courses


class TestSources:
    async def test_a_rig_is_taken_as_it_is(self, run_twin):
        run = await run_twin(SimulatedAmbr250(n_vessels=3, days=2, seed=1), days=2)
        assert list(run.result.trajectories) == ["R01", "R02", "R03"]

    async def test_a_file_with_a_column_reactor_is_taken_as_it_is_and_gets_one_setpoints_file(self, run_twin, tmp_path):
        lines = ["reactor,day,vcd,viability,glucose"]
        lines += [f"{r},{d},{10 + d},98,4" for d in range(3) for r in ("A1", "B2")]
        path = tmp_path / "plate.csv"
        path.write_text("\n".join(lines) + "\n")
        run = await run_twin(FilesystemStore(path), days=2, run_dir=tmp_path / "run")
        assert run.counts == ("COMPLETED", 6, 4)
        written = (tmp_path / "plate.setpoints.csv").read_text().splitlines()
        assert written[0].startswith("reactor,")
        assert [line.split(",")[0] for line in written[1:]] == ["A1", "B2", "A1", "B2"]

    async def test_one_reactor_picked_from_a_file_stays_one_of_that_name(self, run_twin, tmp_path):
        path = tmp_path / "plate.csv"
        rows = "\n".join(f"{r},{d},12,98,4" for d in range(3) for r in ("A1", "B2"))
        path.write_text(f"reactor,day,vcd,viability,glucose\n{rows}\n")
        run = await run_twin(FilesystemStore(path, reactor="B2"), days=2, run_dir=tmp_path / "run")
        assert list(run.result.trajectories) == ["B2"]

    def test_no_vessel_is_refused(self):
        with pytest.raises(ConfigError, match="No vessel to run"):
            DigitalTwin(connector={}, design_space=SPACE, run_config=RunConfig(duration_days=1))


def test_limits_are_times():
    with pytest.raises(ConfigError, match="call_s = 0"):
        Patience(samples_s=1.0, call_s=0)

