"""A fleet told: a line a day for all vessels, and whatever one of them needs, by name."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.events import (
    AlarmRaised,
    ConnectorFailed,
    Forecasted,
    ModelConditioned,
    ModelFitted,
    ModelWaiting,
    RunEnded,
    RunStarted,
    SampleMissing,
    SampleQuarantined,
    SampleRead,
    SetpointsWritten,
    VesselJoined,
    VesselLeft,
    Withheld,
    WriteUnknown,
)
from perfusio.report.fleet import Fleet
from perfusio.testing import make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
NAMES = [f"R{i:02d}" for i in range(1, 7)]


def started(**config):
    run = {"objective": {"kind": "track", "quantity": "vcd", "target": 30.0}, "duration_days": 28,
           "sampling_interval_hours": 24.0, "acquisition": "LogEI", "seed": 0}  # fmt: skip
    modes = dict.fromkeys(NAMES, "automatic") | {"R06": "advisory"}
    sources = {name: {"warnings": ["Viability was a fraction."]} for name in NAMES}
    return RunStarted(config={"run": run, "modes": modes} | config, versions={}, sources=sources)


def read(reactor, day, **values):
    return SampleRead(reactor=reactor, turn=day, state=make_state(day=day, **values), in_force=NOMINAL)


def written(reactor, day, **values):
    asked = replace(NOMINAL, **values)
    return SetpointsWritten(reactor=reactor, turn=day, key="k", asked=asked, acknowledged=asked)


def withheld(reactor, day, action="hold"):
    return Withheld(reactor=reactor, turn=day, action=action, because=("Blind.",), reason="Blind.")


@pytest.fixture
def fleet():
    fleet = Fleet()
    fleet.lines(started())
    return fleet


def told(fleet, *events):
    return [line.text for event in events for line in fleet.lines(event)]


def test_the_start_is_told_once_for_all():
    assert told(Fleet(), started(vessels={"R02": {"objective": {"kind": "maximize", "quantity": "titer"}}})) == [
        "Aim:    hold vcd at 30 1e6 cells/mL, 28 days, LogEI, seed 0.",
        "Fleet:  5 automatic (R01 to R05); 1 advisory (R06).",
        "        R02: maximize titer [mg/L].",
        "Medium: glucose 5 g/L, glutamine 6 mmol/L, as assumed: no process was given. Yours: perfusio process new.",
        "Note:   Viability was a fraction.",
    ]


def test_a_day_is_a_line_once_all_vessels_are_done(fleet):
    first = [read(name, 0, vcd=float(i), viability=98.0) for i, name in enumerate(NAMES, 1)]
    assert told(fleet, *first, ModelConditioned(turn=0, model_id="m")) == []
    assert told(fleet, *(written(name, 0) for name in NAMES[:5])) == []
    assert told(fleet, withheld("R06", 0, "advise")) == [
        "day   0  6 vessels  VCD  3.50 (1.00 to 6.00) 1e6/mL  viability  98.0 (98.0 to 98.0) %  5 written, 1 advised"
    ]
    assert told(fleet, ModelFitted(turn=0, model_id="m", holdout_error=0.5, previous_error=0.6)) == [
        "      refit: one-step error 0.5, 0.6 with the parameters before."
    ]


def test_the_last_day_is_told_at_the_end_at_the_latest(fleet):
    said = told(fleet, read("R01", 0), RunEnded(outcome="COMPLETED", n_samples=1, n_decisions=0, reason="Over."))
    assert said[0].startswith("day   0  1 vessel  VCD")
    assert said[1:] == ["End:    Over. 1 sample, 0 decisions."]


def test_a_vessel_that_never_had_a_sample_holds_up_no_line(fleet):
    events = [SampleMissing(reactor="R06", turn=0, expected_h=0.0, reason="No sample.")]
    events += [read(name, 0) for name in NAMES[:5]] + [written(name, 0) for name in NAMES[:5]]
    assert told(fleet, *events)[-1].endswith("5 written, 1 no sample")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (withheld("R03", 0), "R03 HOLD: Blind."),
        (ConnectorFailed(reactor="R03", turn=0, operation="read_sample", reason="Out."), "R03 LINK: read_sample: Out."),
        (SampleQuarantined(reactor="R03", turn=0, state=make_state(), reason="vcd = -1"), "R03 REFUSED: vcd = -1"),
        (WriteUnknown(reactor="R03", turn=0, key="k", asked=NOMINAL, read_back=None, reason="Mute."),
         "R03 WRITE UNKNOWN: Mute."),
        (VesselLeft(reactor="R03", turn=0, reason="Contaminated."), "R03 LEFT: Contaminated."),
        (VesselJoined(reactor="R07", turn=0, mode="automatic", source={}, reason="Late."), "R07 JOINED: Late."),
        (AlarmRaised(reactor="R03", turn=0, quantity="vcd", level="act", value=1.0, limit=2.0, lead_days=0.0,
                     response="Look.", reason="Low."), "R03 ALARM (act): Low. Look."),
    ],
)  # fmt: skip
def test_what_needs_attention_is_told_by_name_at_once(fleet, event, text):
    assert told(fleet, event) == [f"      {text}"]


def test_who_left_counts_no_more(fleet):
    for name in NAMES:
        told(fleet, read(name, 0, vcd=1.0 if name == "R01" else 20.0))
    told(fleet, VesselLeft(reactor="R01", turn=0, reason="Harvested."))
    forecasts = [Forecasted(reactor=n, turn=1, hold={}, model_id="m") for n in NAMES[1:]]
    said = told(fleet, *(read(n, 1, vcd=20.0) for n in NAMES[1:]), *forecasts)
    assert said[-1].startswith("day   1  5 vessels  VCD  20.0 (20.0 to 20.0)")
    assert "1 left" in said[-1]


def test_rows_hold_what_a_table_shows(fleet):
    told(fleet, read("R02", 0, vcd=7.0), written("R02", 0, bleed_rate=0.21))
    row = fleet.rows["R02"]
    assert (row.sample.vcd, row.in_force.bleed_rate, row.word) == (7.0, 0.21, "written")


def test_what_concerns_the_whole_run_is_told(fleet):
    alarm = AlarmRaised(turn=1, quantity="delivery email", level="act", value=0.0, limit=0.0, lead_days=0.0,
                        response="Mend the channel.", reason="email: down.")  # fmt: skip
    waiting = ModelWaiting(turn=1, model_id="m", holdout_error=0.1, previous_error=0.2, reason="It waits.")
    said = [text.strip() for text in told(fleet, alarm, waiting)]
    assert said == ["ALARM (act): email: down. Mend the channel.", "refit waits: It waits."]


def test_vessels_of_different_age_have_a_turn_in_common_and_no_day(fleet):
    for age, name in enumerate(NAMES):
        told(fleet, replace(read(name, 0, vcd=20.0), state=make_state(day=3 + age, vcd=20.0)))
    said = told(fleet, *(Forecasted(reactor=n, turn=0, hold={}, model_id="m") for n in NAMES))
    assert said[-1].startswith("turn   0  6 vessels")
    told(fleet, *(replace(read(n, 1, vcd=20.0), state=make_state(day=4, vcd=20.0)) for n in NAMES))
    said = told(fleet, *(Forecasted(reactor=n, turn=1, hold={}, model_id="m") for n in NAMES))
    assert said[-1].startswith("day   4 ")


def test_a_vessel_that_a_person_holds_is_held_and_that_is_no_warning(told):
    from perfusio.events import Forecasted, ModeChanged, SampleRead
    from perfusio.report.fleet import Fleet
    from perfusio.report.lines import Tone

    fleet, (start, read, *_) = Fleet(), told.a_run()
    held = ModeChanged(reactor="R01", turn=0, before="advisory", mode="hold", who="AS", reason="The pump is noisy.")
    assert isinstance(read, SampleRead)
    for event in (start, held, read, Forecasted(reactor="R01", turn=0, hold=told.forecast(0), model_id="m")):
        fleet.lines(event)
    assert (fleet.rows["R01"].word, fleet.rows["R01"].tone) == ("held", Tone.PLAIN)
