"""Vessels of an experiment: whatever the source is, and grouped by what is asked of them."""

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig, maximize, track
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector
from perfusio.twin.vessels import Vessel, aboard, on_equal_terms

SPACE, CONFIG = DEFAULT_AMBR250_DESIGN_SPACE, RunConfig(duration_days=4)
ONE = ScriptedConnector([])


class Rig:
    def __init__(self, *names):
        self.names = names

    def vessels(self):
        return dict.fromkeys(self.names, ONE)


class OwnRig(Rig, ScriptedConnector):
    """Both a connector and a rig, as a file or a session is."""

    def __init__(self, *names):
        ScriptedConnector.__init__(self, [])
        self.names = names


class Unnamed(OwnRig):
    def vessels(self):
        raise UnreadableSource(("no column 'reactor'",))


def test_a_connector_is_r01():
    assert aboard(ONE) == {"R01": Vessel(connector=ONE)}


@pytest.mark.parametrize("rig", [Rig("A", "B"), OwnRig("A", "B")])
def test_a_source_of_several_is_all_of_them(rig):
    assert aboard(rig) == {"A": Vessel(connector=ONE), "B": Vessel(connector=ONE)}


def test_a_source_of_one_gives_its_name_and_its_own_connector():
    assert aboard(OwnRig("PB-104")) == {"PB-104": Vessel(connector=ONE)}
    assert aboard(Rig("PB-104")) == {"PB-104": Vessel(connector=ONE)}


def test_a_source_that_names_no_vessel_is_r01():
    source = Unnamed()
    assert aboard(source) == {"R01": Vessel(connector=source)}


def test_a_source_that_a_caller_names_stands_for_its_one_vessel():
    assert aboard({"A": Rig("PB-104")}) == {"A": Vessel(connector=ONE)}
    kept = Vessel(connector=Unnamed(), clone="CloneY")
    assert aboard({"A": kept}) == {"A": kept}
    with pytest.raises(ConfigError, match=r"A is a source of 2 vessels \(X, Y\), expected the connector of one"):
        aboard({"A": Rig("X", "Y")})


def test_a_store_of_one_vessel_is_that_vessel():
    class Store(OwnRig):
        def vessels(self):
            return {"PB-104": Store("PB-104")}

    store = Store("PB-104")
    assert aboard({"A": store})["A"].connector is store


def test_a_mapping_may_mix_connectors_and_vessels():
    own = Vessel(connector=ONE, clone="CloneY")
    assert aboard({"A": ONE, "B": own}) == {"A": Vessel(connector=ONE), "B": own}


@pytest.mark.parametrize("source", [{}, Rig()])
def test_none_is_refused(source):
    with pytest.raises(ConfigError, match="holds none"):
        aboard(source)


@pytest.mark.parametrize(
    ("own", "of_all", "kind", "expected"),
    [
        (None, None, ConnectorKind.SIMULATED, Mode.AUTOMATIC),
        (None, None, ConnectorKind.HARDWARE, Mode.ADVISORY),
        (None, Mode.MANUAL, ConnectorKind.SIMULATED, Mode.MANUAL),
        (Mode.AUTOMATIC, Mode.MANUAL, ConnectorKind.HARDWARE, Mode.AUTOMATIC),
    ],
)
def test_its_own_mode_counts_first(own, of_all, kind, expected):
    vessel = Vessel(connector=ScriptedConnector([], kind=kind), mode=own)
    assert vessel.mode_within(RunConfig(duration_days=4, mode=of_all)) is expected


def test_an_objective_is_checked_as_that_of_a_run_is():
    multi = RunConfig(duration_days=4, acquisition="qEHVI", objective=(maximize("titer"), maximize("productivity")))
    vessel = Vessel(connector=ONE, objective=track(vcd=40))
    assert vessel.config(CONFIG).objectives == (track(vcd=40),)
    assert vessel.config(CONFIG).duration_days == 4
    with pytest.raises(ConfigError, match="weighs several objectives"):
        vessel.config(multi)


def test_vessels_on_equal_terms_stay_together_and_in_order():
    narrow = SPACE.holding(temperature=36.0)
    plain = Vessel(connector=ONE)
    vessels = {
        "A": plain, "B": Vessel(connector=ONE, objective=maximize("titer")), "C": plain,
        "D": Vessel(connector=ONE, design_space=narrow), "E": Vessel(connector=ONE, objective=maximize("titer")),
    }  # fmt: skip
    found = [(t.reactors, str(t.config.objectives[0]), t.design_space) for t in on_equal_terms(vessels, SPACE, CONFIG)]
    assert found == [
        (("A", "C"), "hold vcd at 30 1e6 cells/mL", SPACE), (("B", "E"), "maximize titer [mg/L]", SPACE),
        (("D",), "hold vcd at 30 1e6 cells/mL", narrow),
    ]  # fmt: skip
