"""Line ends that something else changed are named, with what that says of the content, and the way back works."""

import subprocess

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.record.verify import verify as command
from perfusio.record.line_ends import lines_of
from perfusio.record.verification.verify import verify, verify_lines
from perfusio.selftest.record.sample_record import write


@pytest.fixture
def record(tmp_path):
    write(tmp_path / "audit.jsonl", 12, key=None)
    return (tmp_path / "audit.jsonl").read_bytes()


WAYS = {
    "Every line ends with CR LF instead of LF.": lambda data: data.replace(b"\n", b"\r\n"),
    "The file begins with a byte-order mark (BOM).": lambda data: b"\xef\xbb\xbf" + data,
    "1 line is blank.": lambda data: data + b"\n",
    "2 lines are blank.": lambda data: data.replace(b"\n", b"\n\n \t\n", 1),
    "1 of 12 lines end with CR LF instead of LF.": lambda data: data.replace(b"\n", b"\r\n", 1),
    "Every line ends with CR LF instead of LF, the file begins with a byte-order mark (BOM) and 1 line is blank.": (
        lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n") + b"\r\n"
    ),
}


@pytest.mark.parametrize("words", WAYS)
def test_the_reason_is_said_first_and_the_way_back_works(words, record, tmp_path):
    (tmp_path / "audit.jsonl").write_bytes(WAYS[words](record))
    report = verify(tmp_path / "audit.jsonl")
    assert not report.is_intact
    assert report.cause.startswith(words)
    assert "all 12 hashes are right" in report.cause
    assert report.n_records == 12
    app = typer.Typer()
    app.command()(command)
    told = CliRunner().invoke(app, [str(tmp_path / "audit.jsonl")])
    assert told.exit_code == 4
    assert told.stdout.splitlines()[1].strip().startswith(words)
    sed = report.cause.partition("in a copy: ")[2].partition(";")[0]
    subprocess.run(sed, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "copy.jsonl").read_bytes() == record


def test_content_that_was_changed_too_is_not_called_right(record):
    report = verify_lines(lines_of(record.replace(b"A timeout", b"No timeout").replace(b"\n", b"\r\n")))
    assert "2 of 12 lines still differ: content was changed, too" in report.cause
    assert any("was changed: its hash" in p.what for p in report.problems)


@pytest.mark.parametrize("data", [b"", b"a", b"a\n", b"a\nb", b"\n", b"a\r\nb\rc\n"])
def test_only_a_line_feed_ends_a_line(data):
    assert b"".join(lines_of(data)) == data
    assert all(line.count(b"\n") <= 1 for line in lines_of(data))
    assert len(lines_of(data)) == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


def test_an_intact_record_has_no_cause(record):
    assert verify_lines(lines_of(record)).cause == ""
    assert verify_lines([*lines_of(record)[:-1], lines_of(record)[-1][:-1]]).cause == ""  # a torn end is another matter
