"""A reason goes on record by the names of its process, whatever else its setpoints carry."""

from math import nan

from perfusio.decision import Option, Reason
from perfusio.events import plain
from perfusio.state import SETPOINTS, Setpoints


def test_setpoints_of_options_are_recorded_by_name_alone():
    weighed = Option(
        setpoints=Setpoints(perfusion_rate=1.5), destination=Setpoints(), gain=0.1, gains=(0.1,), expected=(30.0,),
        limiting="viability >= 95 %", probability=0.9, why="less likely",
    )  # fmt: skip
    reason = Reason(
        text="Because.", improvement=0.2, limiting="", limiting_probability=1.0, feasible=True, margin=nan,
        rejected=(weighed,), front=(weighed,),
    )  # fmt: skip
    data = plain(reason.to_json())
    assert data["margin"] is None
    for option in (*data["rejected"], *data["front"]):
        assert list(option["setpoints"]) == list(SETPOINTS)
        assert option["setpoints"]["perfusion_rate"] == 1.5
        assert (option["gains"], option["why"]) == ([0.1], "less likely")
