"""What an import asks, a run can be told: names of samples, the start, rows, or all of it in a mapping."""

import asyncio
from datetime import datetime

import pytest

from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import EndOfRun, QuestionOpen

BLU = "Sample ID,Viable (x10^6) cells/mL,Viability (%),Analysis date/time\n" + "".join(
    f"XK{i},{1 + i},97,2024-05-{13 + i} 09:00\n" for i in range(3)
)


def samples(store):
    async def read():
        found = []
        try:
            while True:
                found.append(await store.read_sample())
        except EndOfRun:
            return found

    return [(s.time_h, s.vcd) for s in asyncio.run(read())]


@pytest.fixture
def blu(tmp_path):
    (tmp_path / "blu.csv").write_text(BLU, encoding="utf-8")
    return tmp_path / "blu.csv"


def test_the_vessel_that_is_wanted_answers_whose_samples_they_are(blu):
    with pytest.raises(QuestionOpen, match="which vessel is each sample from"):
        samples(FilesystemStore(blu))
    store = FilesystemStore(blu, reactor="R01")
    assert samples(store) == [(0, 1), (24, 2), (48, 3)]
    assert store.reactor == "R01"


def test_a_mapping_answers_for_a_run_too(blu):
    mapping = blu.with_name("m.toml")
    mapping.write_text('others = "recognised"\nreactor = "R07"\n[inoculated]\n"" = 2024-05-12T09:00:00\n')
    store = FilesystemStore(blu, mapping=mapping)
    assert samples(store) == [(24, 1), (48, 2), (72, 3)]
    assert store.describe()["taken_for_granted"]["start"] == "declared or in the file"


def test_a_start_and_rows_can_be_told(blu):
    store = FilesystemStore(
        blu, reactor="R01", inoculated={"": datetime(2024, 5, 12, 9)}, leave_out={"Sample ID": ("XK1",)}
    )
    assert samples(store) == [(24, 1), (72, 3)]
    about = FilesystemStore(blu, reactor="R01").describe()["taken_for_granted"]
    assert about["start"] == "first date"
