"""Exports of a rig's logger: samples are taken out of its rows, and a file without samples is named for what it is."""

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

LUCULLUS = "Time,Timestamp,m_do,m_temp,sp_temp,M_AMM,M_GLUC,M_LAC,M_VDENS,M_VIAB\n"
DASGIP = (
    '"[Cultivation]"\n"Name";"Value"\n"A";"1"\n\n"[TrackData1]"\n'
    '"Timestamp";"Duration";"Unit 1.InoculationTime []";"Unit 1.T1.PV [°C]"\n'
    '"2020-01-01 10:00:00";"0.00:00:00";"";"37,0"\n'
)
HIRES = "Cedex ID,Reactor identifer,Sample identifer,Sample draw Time,Date finished,Viability,Viable Cell Conc.\n"


def read(content, name="a.csv"):
    return parse_table(content.encode(), name, ReadOptions(is_part=True))


def test_rows_that_lucullus_logs_between_samples_are_no_samples():
    rows = [
        f"{24 * day + hour},{13 + day}-09-2022 {hour:02}:00:00,50,36.9,37,"
        + (f"1.5,{5 - day},0.45,{day + 0.5},98" if hour == 9 else ",,,,")
        for day in range(3) for hour in (8, 9, 10)
    ]  # fmt: skip
    table = read(LUCULLUS + "\n".join(rows) + "\n")
    assert table.profile == "Lucullus"
    assert [(r.state.time_h, r.state.vcd, r.state.glucose) for r in table.rows] == [
        (0.0, 0.5, 5.0), (24.0, 1.5, 4.0), (48.0, 2.5, 3.0)]  # fmt: skip
    assert table.rows[0].state.lactate == pytest.approx(0.45 / 0.09008)
    assert "6 rows without any value of a sample were left out" in " ".join(table.warnings)


def test_a_control_file_of_dasgip_is_named_for_what_it_is():
    with pytest.raises(UnreadableSource, match=r"line 5: it is a control file of DASware.*Give the file of the cell"):
        read(DASGIP)


def test_a_pioreactor_has_vessels_and_times_and_no_quantity_of_a_cell_culture():
    head = "experiment,pioreactor_unit,timestamp,od_reading,timestamp_localtime,hours_since_experiment_created\n"
    with pytest.raises(UnreadableSource, match=r"no column holds a quantity of the process.*Name one") as refused:
        read(head + "e1,pio1,2024-01-01T00:00:00.000Z,0.1,2024-01-01 01:00:00.000,0.1\n")
    assert {r.header: r.meaning for r in refused.value.understood}["pioreactor_unit"] == "reactor"


def test_a_cedex_hires_counts_later_than_the_sample_was_drawn():
    table = read(HIRES + "1,R1,s1,6-17-2019 8:34:01 AM,6-18-2019 7:46:47 AM,95.2,4529542.5\n"
                         "1,R1,s2,6-18-2019 8:34:01 AM,6-18-2019 7:51:27 PM,95.5,5529542.5\n")  # fmt: skip
    assert [row.state.time_h for row in table.rows] == [0.0, 24.0]
    with pytest.raises(UnreadableSource, match="Keep the right one"):
        read(HIRES + "1,R1,s1,6-17-2019 8:34:01 AM,6-18-2019 7:46:47 AM,95.2,4529542.5\n"
                     "1,R1,s2,6-17-2019 8:34:01 AM,6-18-2019 7:51:27 AM,95.5,5529542.5\n")  # fmt: skip
