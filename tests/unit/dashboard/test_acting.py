"""Acts on the page are orders: signed, carried out by the twin, on record with their user, and answered."""

import json

import pytest

from .conftest import PASSWORD, until

SIGNED = {"password": PASSWORD, "meaning": "Approval"}


@pytest.fixture(scope="module")
def olga(page):
    return page.client("olga")


def advice(client, vessel="R01"):
    found = client.get("/api/v1/runs/run/decisions", params={"vessel": vessel, "is_open": True}).json()
    return found[0] if found else None


def on_record(live, event):
    lines = [json.loads(line) for line in (live.folder / "audit.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_sample_is_on_the_page_at_once(live, olga):
    live.feed()
    until(lambda: olga.get("/api/v1/runs/run").json()["vessels"][0]["day"] == live.day, "the sample on the page")


def test_approved_advice_is_written_and_signed_on_record(live, olga):
    card = until(lambda: advice(olga), "advice")
    found = olga.order(act="approve", vessel="R01", value=card["key"], **SIGNED)
    assert found.status_code == 200, found.text
    answer = found.json()
    assert answer["status"] == "done"
    assert answer["written"]["event"] == "SetpointsWritten"
    moved = next(s for s in card["setpoints"] if s["is_moved"])
    assert answer["written"]["acknowledged"][moved["name"]] == pytest.approx(moved["proposed"], rel=1e-5)
    acted = on_record(live, "OperatorActed")[-1]
    assert acted["payload"] | {"order": ""} == {
        "act": "approve", "who": "Olga Example (olga)", "key": card["key"], "is_done": True, "answer": "", "order": "",
        "user": "olga", "meaning": "Approval", "given": {},
    }  # fmt: skip
    again = olga.order(act="approve", vessel="R01", value=card["key"], **SIGNED)
    assert again.status_code == 409
    assert "superseded" in again.json()["detail"]
    assert len(on_record(live, "WriteIntended")) == 1


def test_advice_is_modified_within_the_limits_only(live, olga):
    card = until(lambda: advice(olga, "R02"), "advice")
    moved = next(s for s in card["setpoints"] if s["is_moved"])
    asked = {"act": "modify", "vessel": "R02", "value": card["key"], **SIGNED}
    beyond = olga.order(**asked, setpoints={moved["name"]: moved["high"] + 1.0}).json()
    assert beyond["status"] == "refused"
    assert "is outside" in beyond["answer"]
    strange = olga.order(**asked, setpoints={"pressure": 1.0}).json()
    assert "no setpoint of R02" in strange["answer"]
    value = moved["now"] + 0.5 * (moved["proposed"] - moved["now"])
    done = olga.order(**asked, setpoints={moved["name"]: value}).json()
    assert done["status"] == "done"
    assert done["written"]["acknowledged"][moved["name"]] == pytest.approx(value)
    assert on_record(live, "OperatorActed")[-1]["payload"]["given"] == {moved["name"]: value}


def test_a_rejection_needs_a_reason_and_a_signature_its_password(live, olga):
    live.feed()
    card = until(lambda: advice(olga), "advice")
    asked = {"act": "reject", "vessel": "R01", "value": card["key"]}
    assert olga.order(**asked, **SIGNED, why="").status_code == 422
    assert olga.order(**asked, password=PASSWORD).status_code == 400  # a signature has a meaning
    wrong = olga.order(**asked, password="not the password", meaning="Review")
    assert wrong.status_code == 403
    assert advice(olga)["key"] == card["key"], "nothing was done"
    assert olga.order(**asked, **SIGNED, why="The probe is dirty.").json()["status"] == "done"
    until(lambda: advice(olga) is None, "the card to go")


def test_a_card_is_superseded_by_the_next_sample(live, olga):
    card = until(lambda: advice(olga, "R02"), "advice")
    live.feed()
    until(lambda: (advice(olga, "R02") or card)["key"] != card["key"], "the next card")
    found = olga.order(act="approve", vessel="R02", value=card["key"], **SIGNED)
    assert found.status_code == 409
    assert "superseded" in found.json()["detail"]


def test_an_expired_card_cannot_be_signed(live, olga):
    card = until(lambda: advice(olga, "R02"), "advice")
    from datetime import datetime, timedelta

    from perfusio.dashboard.runs.followed import FollowedRun
    from perfusio.dashboard.views.decisions import cards

    run = FollowedRun(live.folder, "run")
    run.look()
    late = datetime.fromisoformat(card["expires"]) + timedelta(seconds=1)
    (found,) = cards(run, late, vessel="R02", is_open=True)
    assert found["is_expired"]
    assert not cards(run, late - timedelta(seconds=2), vessel="R02", is_open=True)[0]["is_expired"]


def test_a_hold_is_one_request_and_a_release_is_signed(live, olga):
    found = olga.post("/api/v1/runs/run/hold", json={"vessel": "R01"})
    assert found.json()["status"] == "held"
    assert (live.folder / "HOLD-R01").exists()
    tile = next(v for v in olga.get("/api/v1/runs/run").json()["vessels"] if v["vessel"] == "R01")
    assert (tile["mode"], tile["said"]["who"]) == ("hold", "Olga Example (olga)")
    assert olga.order(act="release", vessel="R01").status_code == 400
    assert olga.order(act="release", vessel="R01", **SIGNED).json()["status"] == "done"
    assert not (live.folder / "HOLD-R01").exists()


def test_a_note_is_on_record_and_on_the_time_axis(live, olga):
    assert olga.order(act="note", vessel="R01", why="Foam at the filter.").json()["status"] == "done"
    assert on_record(live, "OperatorActed")[-1]["reason"] == "Foam at the filter."
    marks = olga.get("/api/v1/runs/run/vessels/R01").json()["markers"]
    assert "Foam at the filter." in [m["words"] for m in marks]


def test_the_stream_tells_what_was_missed(live, olga):
    last = olga.get("/api/v1/runs/run").json()["last_seq"]
    with olga.stream("GET", "/api/v1/runs/run/stream", headers={"Last-Event-ID": str(last - 3)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = []
        for line in answer.iter_lines():
            lines.append(line)
            if line.startswith("data:") and '"rows"' in line:
                break
    rows = json.loads(lines[-1].removeprefix("data: "))["rows"]
    assert [row["seq"] for row in rows][:3] == [last - 2, last - 1, last]


def test_every_view_is_there_and_the_record_verifies(olga):
    for name in ("", "vessels/R01", "decisions", "alarms", "model", "record", "overnight", "samples", "compare"):
        place = f"/{name}" if name else ""
        found = olga.get(f"/api/v1/runs/run{place}")
        assert found.status_code == 200, (place, found.text)
    assert olga.get("/api/v1/runs/run/verify").json()["is_intact"]
    mine = olga.get("/api/v1/runs/run/record", params={"who": "olga", "event": "OperatorActed"}).json()["rows"]
    assert mine
    assert all("olga" in row["who"] for row in mine)
    seq = olga.post("/api/v1/runs/run/seen", json={}).json()["seq"]
    assert olga.get("/api/v1/runs/run/overnight").json()["since"] == seq
    table = olga.get("/api/v1/runs/run/samples.csv").text.splitlines()
    assert table[0].startswith("reactor,time [h],")
    assert len(table) > 6


def test_files_and_metrics_leave_the_page_with_a_token_alone(olga, page):
    place = "/api/v1/runs/run"
    for name, kind in (
        ("samples.xlsx", "spreadsheetml"), ("samples.nc", "netcdf"), ("charts/R01/vcd.svg", "svg"),
        ("charts/R01/vcd.csv", "csv"), ("charts/R01/bleed_rate.png", "png"), ("report.html", "html"),
    ):  # fmt: skip
        found = olga.get(f"{place}/{name}")
        assert found.status_code == 200, (name, found.text)
        assert kind in found.headers["content-type"]
        assert "attachment" in found.headers["content-disposition"]
    assert olga.get(f"{place}/charts/R01/glucos.svg").status_code == 404
    assert olga.get(f"{place}/charts/R99/vcd.svg").status_code == 404
    assert olga.get(f"{place}/samples.pdf").status_code == 422
    assert page.client().get("/metrics").status_code == 401
    told = olga.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain")
    vcd = next(t for t in told.text.splitlines() if t.startswith("perfusio_sample{") and 'quantity="vcd"' in t)
    assert 'vessel="R01"' in vcd
    assert 'unit="1e6 cells/mL"' in vcd


def entered(client, hour, **measured):
    asked = {"act": "enter", "vessel": "R01", "value": str(hour), "measured": measured, **SIGNED}
    return client.order(**asked)


def test_values_are_entered_by_hand_and_judged_as_those_of_a_file(live, olga):
    hour = 24.0 * live.day
    known = olga.get("/api/v1/runs/run/samples", params={"vessel": "R01"}).json()
    names = [s["name"] for s in known["species"]]
    before = dict(zip(names, known["rows"][-1]["values"], strict=True))
    answer = entered(olga, hour, lactate=f"{before['lactate'] + 0.01} mmol/L").json()
    assert answer["status"] == "done", answer
    assert "lactate" in answer["answer"]
    corrected = on_record(live, "SampleCorrected")[-1]["payload"]["state"]
    assert corrected["lactate"] == pytest.approx(before["lactate"] + 0.01)
    assert corrected["glucose"] == before["glucose"], "the others stay"
    assert "entered by hand" in corrected["quality"]["lactate"]
    acted = on_record(live, "OperatorActed")[-1]["payload"]
    assert (acted["act"], acted["user"], acted["given"]) == ("enter", "olga", {"lactate": corrected["lactate"]})
    again = entered(olga, hour, lactate=str(corrected["lactate"])).json()
    assert again["answer"] == "These values are on record already."


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"glucose": "4,6"}, "has a comma"),
        ({"glucose": "<0.1"}, "is a limit"),
        ({"glucose": "-1"}, "glucose"),
        ({"glucose": "4.6 bar"}, "is not a unit of glucose"),
        ({"glucos": "4.6"}, "glucose"),
        ({"viability": "120"}, "viability"),
        ({}, "there must be some"),
    ],
)
def test_values_that_cannot_be_are_refused_before_anything_is_ordered(live, olga, measured, words):
    n = len(on_record(live, "OperatorActed"))
    found = entered(olga, 24.0 * live.day, **measured)
    assert found.status_code == 409, found.text
    assert words in found.json()["detail"]
    assert len(on_record(live, "OperatorActed")) == n


def test_a_sample_of_no_time_is_refused_by_the_twin(live, olga):
    early = entered(olga, 24.0 * live.day - 30.0, glucose="4.0").json()
    assert early["status"] == "refused"
    assert "none at that time to complete" in early["answer"]
    ahead = entered(olga, 24.0 * (live.day + 5), glucose="4.0").json()
    assert ahead["status"] == "refused"
    assert "Its turn has not begun" in ahead["answer"]
