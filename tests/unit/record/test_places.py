"""Places on record: seen from the folder of the run, found again from there, and records of before as they were."""

import os

import pytest

from perfusio.record.places import from_run, recorded, url_from_run, whole, whole_source, whole_url


def test_a_path_is_seen_from_the_run_and_found_again(tmp_path):
    run, data = tmp_path / "lab" / "run", tmp_path / "lab" / "data" / "samples.csv"
    assert from_run(run, data) == os.path.join("..", "data", "samples.csv")
    assert whole(run, from_run(run, data)) == data
    assert whole(run, str(data)) == data, "records of before said whole paths"


def test_it_is_found_again_through_a_link_to_the_run(tmp_path):
    run, data = tmp_path / "far" / "away" / "run", tmp_path / "data.csv"
    run.mkdir(parents=True)
    (tmp_path / "link").symlink_to(run)
    assert whole(tmp_path / "link", from_run(tmp_path / "link", data)) == data
    assert whole(run, from_run(tmp_path / "link", data)) == data


def test_a_path_from_the_working_directory_is_seen_from_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert from_run(tmp_path / "run", "data.csv") == os.path.join("..", "data.csv")


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("sqlite:///{}/lab.sqlite", "sqlite:///../lab.sqlite"),
        ("sqlite:///{}/lab.sqlite?mode=ro", "sqlite:///../lab.sqlite?mode=ro"),
        ("{}/lab.sqlite", "../lab.sqlite"),
        ("postgresql://lab@host/lab", "postgresql://lab@host/lab"),
    ],
)
def test_the_file_of_a_database_is_seen_from_the_run(tmp_path, url, seen):
    url = url.format(tmp_path)
    assert url_from_run(tmp_path / "run", url) == seen
    assert whole_url(tmp_path / "run", seen) == url


def test_only_places_of_a_source_are_changed(tmp_path):
    said = {"path": str(tmp_path / "a.csv"), "setpoints_path": "", "url": None, "reactor": "/x", "n_rows": 3}
    seen = {**said, "path": os.path.join("..", "a.csv")}
    assert recorded(said, tmp_path / "run") == seen
    assert whole_source(seen, tmp_path / "run") == said
