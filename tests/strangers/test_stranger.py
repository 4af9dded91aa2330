"""A stranger's package, used from the command line and from TOML by the names of its entry points."""

import json

import pytest

from perfusio.record.verification.verify import read_records

EXPRESSION = "titer * (perfusion_rate - bleed_rate) - 300 mg/L * perfusion_rate"
EXPERIMENT = """
[run]
duration_days = 3
forecast_days = 3
n_paths = 16
run_dir = "out"
{run}
[connector]
kind = "bench_rig"
path = "samples.txt"
[model]
kind = "growing"
growth = 0.2
{rest}
"""
POLICY = '[policy]\nkind = "up_and_down"\nstep = 0.05\n'


@pytest.fixture
def lab(tmp_path):
    """A folder with samples, and a function that writes an experiment beside them."""
    lines = [f"{24 * day} {20 + 3 * day} 97 {300 + 50 * day}" for day in range(4)]
    (tmp_path / "samples.txt").write_text("\n".join(lines))

    def write(rest=POLICY, run=""):
        (tmp_path / "experiment.toml").write_text(EXPERIMENT.format(rest=rest, run=run))
        return tmp_path

    return write


def events(lab, name):
    return [r.payload for r in read_records(lab / "out" / "audit.jsonl") if r.event == name]


def test_every_part_is_listed_with_its_package(perfusio, tmp_path):
    found = json.loads(perfusio("extensions", "--json", cwd=tmp_path))["extensions"]
    assert {(e["kind"], e["name"]) for e in found} == {
        ("connector", "bench_rig"), ("model", "growing"), ("policy", "up_and_down"), ("objective", "margin"),
        ("acquisition function", "cautious"), ("notifier", "logbook"), ("controller", "bleed_more"),
        ("instrument reader", "Bench Analyzer"),
    }  # fmt: skip
    assert {(e["package"], e["version"], e["failure"]) for e in found} == {("perfusio-stranger", "0.3.1", "")}


def test_a_run_from_toml_by_entry_points_is_named_on_record_goes_on_and_replays(perfusio, lab):
    folder = lab(run='objective = "margin"')
    (folder / "people.toml").write_text('[logbook]\nbook = "book.txt"\n')
    notify = ("--notify", "people.toml")
    perfusio("run", "experiment.toml", *notify, cwd=folder, expect=9, BENCH_RIG_DIES_AT="2")
    perfusio("resume", "out", *notify, cwd=folder)

    (started,), (resumed,) = events(folder, "RunStarted"), events(folder, "RunResumed")
    for found in (started["config"]["decided_by"], resumed["decided_by"]):
        policy, model, margin = found["policy"], found["model"], found["functions"]["margin"]
        assert (policy["class"], policy["kind"], policy["settings"]) == (
            "perfusio_stranger.policy.UpAndDown", "up_and_down", {"step": 0.05},
        )  # fmt: skip
        assert (model["kind"], model["settings"]) == ("growing", {"growth": 0.2})
        assert len(policy["source_sha256"]) == len(margin["source_sha256"]) == 64
        for part in (policy, model, margin):
            assert (part["package"], part["package_version"]) == ("perfusio-stranger", "0.3.1")
    (source,) = started["sources"].values()
    assert (source["file"], source["connector"]["class"]) == ("samples.txt", "perfusio_stranger.rig.BenchRig")
    bleeds = [d["setpoints"]["bleed_rate"] for d in events(folder, "Decided")]
    assert bleeds == pytest.approx([0.25, 0.15, 0.25])
    assert "run ended" in (folder / "book.txt").read_text()
    perfusio("verify", "out/audit.jsonl", cwd=folder)
    assert "3 decisions" in perfusio("replay", "out", cwd=folder)


def test_another_source_of_the_policy_goes_on_with_nothing(perfusio, lab, stranger):
    folder = lab()
    perfusio("run", "experiment.toml", cwd=folder, expect=9, BENCH_RIG_DIES_AT="2")
    policy = stranger / "perfusio_stranger" / "policy.py"
    before = policy.read_text()
    try:
        policy.write_text(before + "\n# bolder\n")
        told = perfusio("resume", "out", cwd=folder, expect=2)
    finally:
        policy.write_text(before)
    assert "The policy is another than that of the run" in told


def test_expressions_and_acquisitions_decide_from_toml(perfusio, lab):
    folder = lab(
        rest='[notify.logbook]\nbook = "book.txt"\n',
        run=f'acquisition = "cautious"\nobjective = {{kind = "maximize", quantity = "{EXPRESSION}"}}\n'
        'constraints = [{quantity = "bleed_rate / perfusion_rate", high = 0.4}]\n',
    )  # fmt: skip
    perfusio("run", "experiment.toml", cwd=folder)
    (started,) = events(folder, "RunStarted")
    assert started["config"]["run"]["objective"]["quantity"] == EXPRESSION
    assert started["config"]["decided_by"]["functions"]["cautious"]["package"] == "perfusio-stranger"
    assert "run ended" in (folder / "book.txt").read_text()
    decided = events(folder, "Decided")
    assert {d["acquisition"] for d in decided} == {"cautious"}
    assert all(d["setpoints"]["bleed_rate"] <= 0.41 * d["setpoints"]["perfusion_rate"] for d in decided)
    assert "3 decisions" in perfusio("replay", "out", cwd=folder)


def test_where_the_package_is_not_installed_a_run_is_read_held_and_ended_but_not_decided(perfusio, lab):
    folder = lab(run='objective = "margin"')
    perfusio("run", "experiment.toml", cwd=folder, expect=9, BENCH_RIG_DIES_AT="1")
    by = ("--who", "me", "--why", "test")
    assert "R01" in perfusio("status", "out", cwd=folder, without=True)
    for command in ("resume", "replay"):
        told = perfusio(command, "out", cwd=folder, without=True, expect=2)
        assert "'margin' of this run is of perfusio-stranger 0.3.1, which is not installed here" in told
    perfusio("hold", "out", *by, cwd=folder, without=True)
    perfusio("stop", "out", *by, cwd=folder, without=True)
    assert events(folder, "RunEnded")


def test_its_parts_keep_their_promises(stranger, monkeypatch):
    monkeypatch.syspath_prepend(str(stranger))
    from perfusio import testing
    from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
    from perfusio.registry import ACQUISITIONS, INSTRUMENTS, MODELS, OBJECTIVES, POLICIES
    from perfusio.state import State
    from perfusio.study.cultures.control_task import ControlTask
    from perfusio.study.cultures.controllers import controller_named, proposal
    from perfusio.trajectory import Trajectory

    many = State(time_h=0.0, vcd=50.0)
    task = ControlTask(target=30.0, limits=(), design_space=SPACE, process=SPACE.process, day=0, days=28)
    asked = Trajectory(reactor_id="R01", states=(many,)), SPACE.nominal, task
    proposed = proposal(controller_named("bleed_more"), *asked)
    assert proposed.vector() == pytest.approx(SPACE.nominal.with_values(bleed_rate=0.17).vector())
    testing.check_model(MODELS.find("growing")[0])
    testing.check_policy(POLICIES.find("up_and_down")[0])
    testing.check_objective(OBJECTIVES.find("margin")[0])
    testing.check_acquisition(ACQUISITIONS.find("cautious")[0])
    sheet = [["BENCH ANALYZER", ""], ["HOURS", "VIABLE"], ["0", "5.0"]]
    testing.check_reader(INSTRUMENTS.find("Bench Analyzer")[0], sheet)


def test_its_controller_is_scored_by_one_command_more_than_its_installation(perfusio, tmp_path):
    words = ("bench", "run", "--cultures", "1", "--engine", "in-process", "--controller")
    said = perfusio(*words, "bleed_more", cwd=tmp_path)
    assert "PerfusionBench 1.0, 1 cultures" in said
    assert any(line.split()[:2] == ["bleed_more", "1"] for line in said.splitlines())
    refused = perfusio(*words, "bleed_mor", cwd=tmp_path, expect=2)
    assert "'bleed_mor' is not a controller. Did you mean 'bleed_more'?" in refused


async def test_its_connector_keeps_its_promises(stranger, monkeypatch, lab):
    monkeypatch.syspath_prepend(str(stranger))
    from perfusio import factories
    from perfusio.connectors.opening import Opening
    from perfusio.process import CHO_PERFUSION
    from perfusio.registry import CONNECTORS
    from perfusio.testing import check_connector

    opening = Opening(days=3, interval_hours=24.0, process=CHO_PERFUSION, run_dir=None)
    path = lab() / "samples.txt"
    await check_connector(lambda: factories.make(CONNECTORS, "bench_rig", {"path": path}, opening=opening))


def test_flags_name_parts_too(perfusio, lab):
    folder = lab()
    shown = perfusio("config", "show", cwd=folder, PERFUSIO_POLICY_STEP="0.01")
    assert "policy.step" in shown
    assert "0.01  (PERFUSIO_POLICY_STEP)" in shown
    perfusio("run", "experiment.toml", "--maximize", "margin", "--days", "2", cwd=folder)
    (started,) = events(folder, "RunStarted")
    run = started["config"]["run"]
    assert (run["objective"]["quantity"], run["duration_days"]) == ("margin", 2)


@pytest.mark.parametrize(
    ("rest", "run", "words"),
    [
        ('[policy]\nkind = "up_and_dwn"', "", "Did you mean 'up_and_down'"),
        ('[policy]\nkind = "up_and_down"\nstp = 1', "", "Did you mean 'step'"),
        ('[policy]\nkind = "up_and_down"\nstep = "far"', "", "policy.step"),
        ("", 'objective = {kind = "minimize", quantity = "margin"}', "made to be maximized"),
        ("", 'objective = {kind = "maximize", quantity = "titer + bleed_rate"}', "at character 7"),
        ("", 'acquisition = "caution"', "Did you mean 'cautious'"),
    ],
)
def test_mistakes_are_told_in_words(perfusio, lab, rest, run, words):
    folder = lab(rest=rest, run=run)
    assert words in perfusio("config", "show", cwd=folder, expect=2)


def test_files_of_the_instrument_are_read_where_it_is_named(perfusio, tmp_path):
    (tmp_path / "day.csv").write_text(
        "BENCH ANALYZER,,,,,\nserial,0815,,,,\nHOURS,TANK,VIABLE,ALIVE,GLC,IGG\n"
        "0,R01,5.0,98,6.0,10\n24,R01,8.0,97,5.0,40\n"
    )
    told = perfusio("import", "day.csv", "--instrument", "Bench Analyzer", cwd=tmp_path)
    assert "it is read as: Bench Analyzer (perfusio-stranger)" in told
    assert "2 samples of 1 vessel" in told
    (tmp_path / "other.csv").write_text("time [h],vcd [1e6 cells/mL]\n0,5\n")
    told = perfusio("import", "other.csv", "--instrument", "Bench Analyzer", "--out", "o.csv", cwd=tmp_path, expect=3)
    assert "no file of the instrument" in told
    told = perfusio("import", "day.csv", "--instrument", "Bench Analyser", "--out", "o.csv", cwd=tmp_path, expect=2)
    assert "Did you mean 'Bench Analyzer'" in told


def test_a_broken_package_is_named_and_breaks_nothing_else(perfusio, lab, tmp_path_factory):
    site = tmp_path_factory.mktemp("broken")
    info = site / "lab_broken-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-broken\nVersion: 9\n")
    (info / "entry_points.txt").write_text("[perfusio.policies]\nbroken = lab_broken:Policy\n")
    (site / "lab_broken.py").write_text("import nothing_of_this_name\n")
    told = perfusio("extensions", cwd=site, more=[site], expect=1)
    assert "lab-broken 9 cannot be loaded from lab_broken:Policy: ModuleNotFoundError" in told
    folder = lab()
    perfusio("config", "show", cwd=folder, more=[site])
    folder = lab(rest='[policy]\nkind = "broken"')
    told = perfusio("config", "show", cwd=folder, more=[site], expect=2)
    assert "lab-broken" in told
    assert "Traceback" not in told


def test_help_loads_no_part_of_anybody(perfusio, tmp_path_factory):
    site = tmp_path_factory.mktemp("loud")
    info = site / "lab_loud-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-loud\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[perfusio.policies]\nloud = lab_loud:Policy\n")
    (site / "lab_loud.py").write_text("print('LOUD')\n")
    assert "LOUD" not in perfusio("--help", cwd=site, more=[site]) + perfusio("run", "--help", cwd=site, more=[site])
