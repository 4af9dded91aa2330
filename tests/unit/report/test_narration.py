"""A run told in words: a row per day at its time, what is missing or wrong in words, nothing wider than 120 columns."""

from dataclasses import replace
from math import nan

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import maximize
from perfusio.events import (
    AlarmRaised,
    ConnectorFailed,
    Forecasted,
    ModeChanged,
    ModelRejected,
    ModelWaiting,
    RunEnded,
    SampleRead,
    Withheld,
    WriteIntended,
)
from perfusio.report.lines import WIDTH, Tone
from perfusio.report.narration import Narrator
from perfusio.report.wording import number
from perfusio.testing import make_state


def tell(events):
    narrator = Narrator()
    return [line for event in events for line in narrator.lines(event)]


def texts(events):
    return [line.text for line in tell(events)]


def rows(events):
    return [line.split() for line in texts(events) if line[:5].strip().isdigit()]


def test_a_row_per_day_with_measurements_forecast_and_what_moves(told):
    said = rows(told.a_run())
    assert [row[0] for row in said] == ["0", "1", "2", "3"]
    assert said[0][1:6] == ["20.0", "97.0", "3.50", "8.00", "350"]
    assert said[0][7:9] == [said[0][7], "to"]
    assert said[0][-6:] == [".", "0.200", ".", ".", ".", "."]
    assert said[2][1:6] == ["-"] * 5
    assert said[3][6] == "-"  # the last day has no forecast of itself


def test_the_forecast_shown_is_the_recorded_one_for_the_last_day(told):
    mean = told.forecast(0)["mean"]["vcd"][2]
    assert rows(told.a_run())[0][6] == number(mean)


def test_a_day_is_told_when_it_is_settled_not_before(told):
    narrator, run = Narrator(), told.a_run()
    before = [line.text for event in run[:5] for line in narrator.lines(event)]
    assert not any(text.startswith("    0") for text in before)
    assert any(text.startswith("    0") for text in [line.text for line in narrator.lines(run[5])])


def test_what_is_missing_and_what_alarms_is_said_in_words(told):
    said = texts(told.a_run())
    assert "      missing: titer." in said
    assert "      ALARM (act): glucose measured 0.2 g/L. Feed." in said
    assert any(text.startswith("      NO SAMPLE: No sample within 12 h of culture day 2") for text in said)
    assert "      why: vcd 20 1e6 cells/mL in 3 days instead of 25 (target 30); tightest." in said
    assert said[-1] == "End:    The run reached its planned length. 3 samples, 2 decisions."
    tones = {line.text: line.tone for line in tell(told.a_run())}
    assert tones["      ALARM (act): glucose measured 0.2 g/L. Feed."] is Tone.ACT


def test_the_header_names_units_and_the_day_that_is_forecast(told):
    said = "\n".join(texts(told.a_run()))
    assert "VCD on day 3" in said
    assert "1e6/mL       %     g/L  mmol/L    mg/L" in said
    assert "hold vcd at 30 1e6 cells/mL, 3 days" in said
    assert "--track vcd=40" in said


def test_a_derived_aim_is_forecast_in_its_unit(told):
    run = [told.started(objective=maximize("productivity")), *told.a_run()[1:]]
    assert "productivity on day 3" in "\n".join(texts(run))
    assert rows(run)[0][6] == number(told.forecast(0)["mean"]["titer"][2] * 0.8)


def test_holds_advice_and_faults(told):
    at = {"reactor": "R01", "turn": 0}
    start = [told.started(), SampleRead(**at, state=told.sample(0), in_force=SPACE.nominal)]
    held = [*start, *told.decided(0), Withheld(**at, action="hold", because=("No.",), reason="No.")]
    assert rows(held)[0][-6:] == ["."] * 6
    assert "      HOLD: No." in texts(held)
    advised = [*start, *told.decided(0), Withheld(**at, action="advise", because=("Shown.",), reason="Shown.")]
    assert "0.200" in rows(advised)[0]
    assert "      ADVISE: Shown." in texts(advised)
    undecided = [*start, Withheld(**at, action="hold", because=("Fault.",), reason="Fault.")]
    assert rows(undecided)[0][6] == "-"
    broken = [*start, ModelRejected(turn=0, model_id="m", reason="FitFailed: no.")]
    assert any("MODEL KEPT: FitFailed: no." in text for text in texts(broken))
    lost = [*start, ConnectorFailed(**at, operation="read_sample", reason="gone")]
    assert any(
        "LINK: read_sample: gone" in text for text in texts([*lost, RunEnded(outcome="X", n_samples=1, n_decisions=0)])
    )


def test_a_run_that_stops_in_the_middle_of_a_write_still_tells_the_day(told):
    at = {"reactor": "R01", "turn": 0}
    run = [
        told.started(),
        SampleRead(**at, state=told.sample(0), in_force=SPACE.nominal),
        *told.decided(0),
        WriteIntended(**at, key="k", old=SPACE.nominal, new=told.new),
        RunEnded(outcome="STOPPED", n_samples=1, n_decisions=1, reason="Stopped."),
    ]
    assert [row[0] for row in rows(run)] == ["0"]
    assert texts(run)[-1] == "End:    Stopped. 1 sample, 1 decision."


def test_a_column_that_a_file_lacks_is_said_once_not_daily(told):
    source = {"path": "a.csv", "n_rows": 4, "kind": "replay", "setpoints_path": "s.csv", "warnings": ["Converted."],
              "columns": {"day": "day", "VCD": "vcd [1e6 cells/mL]", "Via": "viability [%]", "Glc": "glucose [g/L]",
                          "D": "perfusion_rate [1/day]"}}  # fmt: skip
    start = replace(told.started(), sources={"R01": source})
    sparse = dict.fromkeys(("glutamine", "glutamate", "lactate", "ammonium", "pyruvate", "titer"), nan)
    at = {"reactor": "R01", "turn": 0}
    run = [
        start,
        SampleRead(**at, state=told.sample(0, glucose=nan, **sparse), in_force=SPACE.nominal),
        Forecasted(**at, hold=told.forecast(0), model_id="m"),
    ]
    said = texts(run)
    absent = "glutamine, glutamate, lactate, ammonium, pyruvate, titer"
    assert f"        Never measured, no such column: {absent}. They are estimated." in said
    assert any("Assumed in force, no such column: bleed_rate 0.15 1/day" in text for text in said)
    assert "Note:   Converted." in said
    assert "      missing: glucose." in said


def test_nothing_is_wider_than_the_page_and_no_text_can_forge_a_line(told):
    run = told.a_run()
    run[11] = replace(run[11], reason="long " * 60 + "\x1b[2J\nEnd:    forged")
    lines = tell(run)
    assert max(len(line.text) for line in lines) <= WIDTH
    assert all(line.text.isprintable() for line in lines)
    assert not any(line.text.startswith("End:    forged") for line in lines)


def test_several_vessels_are_named(told):
    config = dict(told.started().config) | {"modes": {"R01": "automatic", "R02": "automatic"}}
    start = replace(told.started(), config=config, sources={"R01": {}, "R02": {}})
    run = [
        start,
        *(SampleRead(reactor=r, turn=0, state=make_state(day=0), in_force=SPACE.nominal) for r in ("R01", "R02")),
        *(Forecasted(reactor=r, turn=0, hold=told.forecast(0), model_id="m") for r in ("R01", "R02")),
    ]
    said = texts(run)
    assert [text[:3] for text in said if text.startswith("R0")] == ["R01", "R02"]
    assert any(text.startswith("vessel") for text in said)


def test_numbers_have_about_three_digits():
    assert [number(v) for v in (nan, 0.0, 0.05, 1.234, 12.34, 123.4, 1234.0)] == [
        "-", "0.00", "0.050", "1.23", "12.3", "123", "1234",
    ]  # fmt: skip


def about_a_channel():
    return AlarmRaised(
        turn=1, quantity="delivery email", level="act", value=nan, limit=nan, lead_days=0.0,
        response="Mend the channel.", reason="email: down.",
    )  # fmt: skip


def test_what_concerns_the_whole_run_is_told(told):
    words = "It waits: perfusio adopt."
    waiting = ModelWaiting(turn=1, model_id="m", holdout_error=0.1, previous_error=0.2, reason=words)
    said = texts([told.started(), about_a_channel(), waiting])
    assert "      ALARM (act): email: down. Mend the channel." in said
    assert "      refit waits: It waits: perfusio adopt." in said


def test_a_run_that_goes_on_on_its_last_day_is_told_without_its_first_sample(told):
    at = {"reactor": "R01", "turn": 3}
    resumed = [told.started(), Forecasted(**at, hold=told.forecast(0), model_id="m")]
    (row,) = rows([*resumed, RunEnded(outcome="COMPLETED", n_samples=1, n_decisions=0)])
    assert row[0] == "3"
    assert row[6] == number(told.forecast(0)["mean"]["vcd"][2])


def test_advice_that_is_approved_on_the_next_turn_is_a_remark_and_no_second_row(told):
    start, read, decided = told.a_run()[:3]
    advised = Withheld(reactor="R01", turn=0, action="advise", because=("Advisory.",), reason="Advisory.")
    missed = [e for e in told.a_run() if type(e).__name__ == "SampleMissing"]
    told_late = [replace(e, reactor="R01") for e in told.written(0)]
    said = texts([start, read, decided, advised, *missed, *told_late])
    assert "      WRITTEN: bleed 0.200 1/day, as approved." in said
    assert len([line for line in said if line[:5].strip() == "0"]) == 1


def test_a_held_vessel_says_by_whom_each_day_and_as_long_as_it_is(told):
    start, read, *_ = told.a_run()
    ahead = Forecasted(reactor="R01", turn=0, hold=told.forecast(0), model_id="m")
    later = [replace(read, turn=t, state=make_state(day=t)) for t in (1, 2)]
    held = ModeChanged(reactor="R01", turn=0, before="advisory", mode="hold", who="AS", reason="The pump is noisy.")
    freed = ModeChanged(reactor="R01", turn=2, before="hold", mode="advisory", who="BJ", reason="The pump was changed.")
    said = texts([start, held, read, ahead, later[0], replace(ahead, turn=1), freed, later[1], replace(ahead, turn=2)])
    assert said.count("      held by AS: The pump is noisy.") == 1, "the day it began says so by its change of mode"
    assert "      MODE: advisory -> hold, AS: The pump is noisy." in said


def test_what_does_not_come_is_told_at_once_and_not_with_the_row_of_its_turn(told):
    from perfusio.events import ConnectorRecovered, WaitBegan

    at = {"reactor": "R01", "turn": 1}
    narrator = Narrator()
    narrator.lines(told.started())
    waits = WaitBegan(**at, reactors=("R01",), since="", due="", until="", reason="Waiting for the sample of R01.")
    failed = ConnectorFailed(**at, operation="read_sample", reason="gone")
    back = ConnectorRecovered(**at, operation="read_sample", seconds=9.0, reason="R01 can be read again, after 9 s.")
    assert [[line.text.strip() for line in narrator.lines(event)] for event in (waits, failed, back)] == [
        ["waiting: for the sample of R01."], ["LINK: read_sample: gone"],
        ["LINK IS BACK: R01 can be read again, after 9 s."],
    ]  # fmt: skip
