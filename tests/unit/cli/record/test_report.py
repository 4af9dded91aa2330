"""`perfusio report`: the page and its figures where they were asked for, and nothing left out in silence."""

from typer.testing import CliRunner

from perfusio.cli.app import app


def report(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def error_of(result):
    return str(result.exception), result.exception.exit_code


def test_a_run_without_samples_is_reported_and_the_figure_that_is_missing_is_said(ended_run, tmp_path):
    done = report(ended_run, "--figures", tmp_path / "figures")
    assert done.exit_code == 0
    assert "1 vessel, record intact, 2 records\n" in done.stdout
    assert "No figure: no forecast is on record yet." in done.stderr
    assert not list(tmp_path.glob("figures/*"))
    assert "no sample yet" in (ended_run / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_holds_no_run_names_those_below_it(ended_run, tmp_path):
    words, code = error_of(report(tmp_path))
    assert code == 3
    assert "holds no run" in words
    assert f"Runs are in {ended_run}: give one of them." in words
    words, code = error_of(report(tmp_path / "nowhere"))
    assert (code, "is not there" in words) == (3, True)


def test_nothing_is_written_where_something_would_be_replaced_or_nobody_can_be_told(ended_run, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "forecast.png").write_text("mine", encoding="utf-8")
    (tmp_path / "nobody.toml").write_text('[report]\ndaily = "06:30"\n', encoding="utf-8")
    for asked in (("--figures", tmp_path / "figures"), ("--notify", tmp_path / "nobody.toml")):
        assert error_of(report(ended_run, *asked))[1] == 2
    assert not (ended_run / "report.html").exists()
