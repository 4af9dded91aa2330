"""`perfusio run`: the folder it leaves, the aim it takes, and every refusal as a sentence with its exit code."""

import asyncio
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file import experiment
from perfusio.cli.runs import resume, watched
from perfusio.errors import ConfigError, PerfusioError
from perfusio.record.bundle import check_bundle
from perfusio.record.verification.verify import read_records, verify
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.tables.taken_for_granted import page, together
from perfusio.twin.outcome import Outcome


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "my_data.csv"
    asyncio.run(write_synthetic_csv(path, days=4, seed=0))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["run", *(str(a) for a in arguments)])


def test_a_replay_leaves_record_setpoints_and_figure_in_one_folder(data, tmp_path):
    out = tmp_path / "results"
    result = run("--csv", data, "--days", 2, "--out", out, "--maximize", "productivity", "--seed", 3)
    assert result.exit_code == 0, result.output
    (packed,) = out.glob("bundle-*.zip")
    assert check_bundle(packed) > 8
    assert {f.name for f in out.iterdir()} == {
        packed.name, "audit.jsonl", "audit.heads", ".audit.jsonl.lock", "my_data.setpoints.csv", "forecast.png",
        "report.html", "models", "source.json",
    }  # fmt: skip
    assert verify(out / "audit.jsonl").outcome == "COMPLETED"
    first = next(read_records(out / "audit.jsonl")).payload["config"]["run"]
    assert (first["objective"]["quantity"], first["seed"], first["duration_days"]) == ("productivity", 3, 2)
    assert len((out / "my_data.setpoints.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2
    assert [f.name for f in data.parent.iterdir()] == ["my_data.csv"]
    assert "3 samples, 2 decisions" in result.stdout
    assert "intact" in result.stdout


def test_a_sheet_without_a_row_is_waited_for_before_anything_is_chosen_by_name(tmp_path, monkeypatch):
    sheet, seen = tmp_path / "sheet.csv", []
    sheet.write_text("reactor,clone,day,vcd\n")

    async def lab_adds_a_row(seconds):
        if len(sheet.read_text().splitlines()) == 1:
            sheet.write_text("reactor,clone,day,vcd\nPB-104,CloneX,0,1.5\n")

    def keep(vessels, *others, **options):
        seen.extend(vessels)
        raise PerfusioError("seen")

    opened = experiment.opened
    monkeypatch.setattr(experiment, "opened", lambda asked: _sleeping(opened(asked), lab_adds_a_row))
    monkeypatch.setattr(watched, "run_watched", keep)
    assert str(run("--csv", sheet, "--follow", "--days", 2, "--out", tmp_path).exception) == "seen"
    assert seen == ["PB-104"]


def _sleeping(store, sleep):
    store._pace = replace(store._pace, sleep=sleep)
    return store


def test_a_second_run_in_the_same_folder_moves_the_first_aside(data, tmp_path):
    for _ in range(2):
        assert run("--csv", data, "--days", 1, "--out", tmp_path).exit_code == 0
    assert len(list(tmp_path.glob("audit*.jsonl"))) == 2
    assert len(list(tmp_path.glob("my_data.setpoints*.csv"))) == 2
    assert all(verify(path).is_intact for path in tmp_path.glob("audit*.jsonl"))
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "audit.jsonl").write_bytes(b"".join(lines[:-1]))  # as a killed run leaves it
    refused = run("--csv", data, "--days", 1, "--out", tmp_path)
    assert refused.exception.exit_code == 1
    assert "--fresh" in str(refused.exception)
    assert run("--csv", data, "--days", 1, "--out", tmp_path, "--fresh").exit_code == 0


@pytest.fixture
def killed(data, tmp_path):
    """A run that was killed after the first record of its last day."""
    assert run("--csv", data, "--days", 2, "--out", tmp_path).exit_code == 0
    days = [r.turn for r in read_records(tmp_path / "audit.jsonl")]
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "audit.jsonl").write_bytes(b"".join(lines[: days.index(2) + 1]))
    (tmp_path / "audit.heads").unlink()
    return tmp_path


@pytest.mark.parametrize(("answer", "outcome"), [("y", "COMPLETED"), ("n", None)])
def test_a_person_is_asked_whether_an_unfinished_run_goes_on(data, killed, monkeypatch, answer, outcome):
    monkeypatch.setattr(resume, "is_somebody_there", lambda: True)
    arguments = ["run", "--csv", str(data), "--days", "4", "--out", str(killed)]
    result = CliRunner().invoke(app, arguments, input=f"{answer}\n")
    assert "turn 2, 3 samples" in result.stdout
    assert "Go on with it?" in result.stdout
    report = verify(killed / "audit.jsonl")
    assert report.outcome == outcome
    if outcome:
        assert result.exit_code == 0
        events = [r.event for r in read_records(killed / "audit.jsonl")]
        assert events.count("RunResumed") == 1
        assert next(read_records(killed / "audit.jsonl")).payload["config"]["run"]["duration_days"] == 2
    else:
        assert "perfusio resume" in str(result.exception)


def test_nobody_is_asked_where_nobody_is(data, killed):
    result = run("--csv", data, "--days", 2, "--out", killed)
    assert "Go on with it?" not in result.output
    assert f"perfusio resume {killed}" in str(result.exception)


def test_a_folder_without_an_unfinished_run_raises_no_question(data, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "is_somebody_there", lambda: True)
    for _ in range(2):
        result = run("--csv", data, "--days", 1, "--out", tmp_path)
        assert result.exit_code == 0
        assert "Go on" not in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--track", "vcd"], "--track vcd: expected a name, = and a value"),
        (["--track", "vcd=many"], "'many' is not a number"),
        (["--track", "vccd=30"], "Did you mean 'vcd'?"),
        (["--track", "horizon_days=30"], "'horizon_days' cannot be forecast"),
        (["--track", "vcd=30", "--track", "vcd=40"], "one objective or several different ones"),
        (["--maximize", "productivty"], "Did you mean 'productivity'?"),
        (["--minimize", "media"], "Did you mean 'medium'?"),
        (["--maximize", "titer", "--acquisition", "qEHVI"], "weighs several objectives, found one"),
        (["--search", "gradiant"], "did you mean 'gradient'?"),
        (["--acquisition", "LogIE"], "did you mean 'LogEI'?"),
        (["--column", "Glu"], "--column Glu: expected a name"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_made(data, tmp_path, options, words):
    result = run("--csv", data, "--days", 2, "--out", tmp_path / "new", *options)
    assert isinstance(result.exception, ConfigError)
    assert words.lower() in str(result.exception).lower()
    assert not (tmp_path / "new").exists()


def test_samples_given_as_the_experiment_are_told_their_option(data, tmp_path):
    for given in (data, data.parent):
        refused = run(given)
        assert refused.exception.exit_code == 2
        assert f"perfusio run --csv {given} --days 28" in str(refused.exception)
    assert "--days (28" in str(run("--csv", data, "--out", tmp_path).exception)


def test_a_refused_file_names_the_options_of_the_command_line(tmp_path):
    (tmp_path / "a.csv").write_text("day,VCD,Glu\n0,1,2\n1,2,3\n", encoding="utf-8")
    result = run("--csv", tmp_path / "a.csv", "--days", 2, "--out", tmp_path / "new")
    assert result.exception.exit_code == 2
    assert "--column HEADER=QUANTITY" in str(result.exception)
    assert not (tmp_path / "new").exists()
    lost = run("--csv", tmp_path / "b.csv", "--days", 2)
    assert lost.exception.exit_code == 3
    assert "CSV files there: a.csv" in str(lost.exception)


def test_a_folder_that_cannot_be_made_is_a_sentence(data, tmp_path):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    result = run("--csv", data, "--days", 2, "--out", tmp_path / "taken")
    assert isinstance(result.exception, ConfigError)
    assert "Choose a folder" in str(result.exception)


def test_exit_codes_of_outcomes():
    from perfusio.cli.runs.watched import exit_code

    codes = {outcome.name: exit_code(outcome) for outcome in Outcome}
    assert {name for name, code in codes.items() if code == 0} == {"COMPLETED", "SOURCE_EXHAUSTED", "STOPPED"}
    assert codes["SAMPLE_OVERDUE"] == PerfusioError.exit_code


def test_one_bad_value_and_flows_in_ml_per_h_are_answered_by_options(tmp_path, monkeypatch):
    sheet, seen = tmp_path / "sheet.csv", {}
    sheet.write_text("day,vcd,Via,glucose,perfusion [mL/h]\n0,1.5,98,5,10\n1,3,98,#REF!,10\n2,6,98,4,10\n")

    def keep(vessels, config, **_):
        seen["vessels"], seen["config"] = vessels, config
        raise PerfusioError("seen")

    monkeypatch.setattr(watched, "run_watched", keep)
    asked = ["--csv", sheet, "--days", 2, "--out", tmp_path / "out"]
    assert "--working-volume 250mL" in str(run(*asked).exception)
    assert "--set-missing 'line 3: glucose'" in str(run(*asked, "--working-volume", "250mL").exception)
    done = run(*asked, "--working-volume", "250mL", "--set-missing", "line 3: glucose")
    assert str(done.exception) == "seen"
    assert seen["config"].process.equipment.volume_ml == 250
    (vessel,) = seen["vessels"].values()

    async def read():
        states = [await vessel.connector.read_sample() for _ in range(3)]
        return states, await vessel.connector.read_setpoints()

    states, setpoints = asyncio.run(read())
    assert [s.glucose for s in states][::2] == [5, 4]
    assert states[1].glucose != states[1].glucose
    assert setpoints.perfusion_rate == pytest.approx(0.96)


def test_what_is_taken_for_granted_is_on_the_screen_before_the_run_and_on_record(tmp_path):
    sheet = tmp_path / "sheet.csv"
    rows = "".join(f"{reactor},{day},{1 + day},98,J\n" for day in (0, 1) for reactor in "AB")
    sheet.write_text(f"reactor,day,vcd,Via [%],Operator\n{rows}")
    result = run("--csv", sheet, "--days", 1, "--out", tmp_path / "out")
    told = result.stdout[: result.stdout.index("Aim:")].splitlines()
    assert told == [
        "Taken for granted:",
        "  A: 2 samples, day 0 to 1; day 0: culture times of the file",
        "  B: 2 samples, day 0 to 1; day 0: culture times of the file",
        "  sheet.csv: vcd in 1e6 cells/mL (assumed: nothing says it)",
        "  sheet.csv: left unread: Operator",
    ]
    sources = next(read_records(tmp_path / "out" / "audit.jsonl")).payload["sources"]
    granted = {name: source["taken_for_granted"] for name, source in sources.items()}
    assert [v["vessel"] for name in "AB" for v in granted[name]["vessels"]] == ["A", "B"]
    assert granted["A"]["files"][0]["unread"] == ["Operator"]
    assert page(together(granted.values())) == told
