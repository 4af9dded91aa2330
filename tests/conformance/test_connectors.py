"""Every connector keeps the same promises: one check, run over each of them."""

import pytest

from perfusio.connectors.filesystem import FilesystemStore
from perfusio.testing import check_connector

CSV = (
    "day,VCD,Via,Glc,Lac,Amm,perfusion_rate,bleed_rate,temperature\n"
    "0,0.5,97,5,0,n.d.,1.0,0.15,36.5\n"
    "1,1.1,98,4.6,<0.2,-,1.0,0.15,36.5\n"
    "1,1.1,98,4.6,<0.2,,1.0,0.15,36.5\n"
    "3,4.2,97,3.1,6.5,NA,1.2,0.2,36\n"
)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "my_data.csv"
    path.write_text(CSV)
    return path


async def test_a_replayed_file(source):
    await check_connector(lambda: FilesystemStore(source), unmeasured=("ammonium", "pyruvate", "titer"))


async def test_one_vessel_of_a_file(source):
    lines = CSV.splitlines()
    rows = [line + f",{name}" for name in ("R01", "R02") for line in lines[1:]]
    source.write_text("\n".join([lines[0] + ",reactor", *rows]) + "\n")
    await check_connector(lambda: FilesystemStore(source).vessels()["R02"])
    await check_connector(lambda: FilesystemStore(source, reactor="R01"))


async def test_a_growing_file_with_a_controller(source):
    looks = 0

    async def a_day_passes(seconds):
        nonlocal looks
        looks += 1
        if looks % 3 == 0:
            with source.open("a") as file:
                file.write(f"{3 + looks},5,97,3,7,1,1.0,0.15,36.5\n")

    await check_connector(
        lambda: FilesystemStore(source, actuates=True, sleep=a_day_passes), confirms_at_once=False, max_samples=8
    )
