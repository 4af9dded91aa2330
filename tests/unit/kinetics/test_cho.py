"""The rate laws on panels that lack something, have more, or are fed; exact where there is a closed form."""

import numpy as np
import pytest

from perfusio.errors import ConfigError
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.kinetics.parameters import GENERIC_LOG_SD, parameters_of
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed

ASPARAGINE = Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12)
ANY = Allowed(low=0.0, high=1.0, nominal=0.1, max_step=0.1)
FEED_A = Setpoint(
    "feed_a", unit="1/day", role="feed_rate", composition=Medium(glucose=80.0, glutamine=20.0), allowed=ANY,
    clear_change=0.02,
)  # fmt: skip
FEED_B = Setpoint(
    "feed_b", unit="1/day", role="feed_rate", composition=Medium(glutamine=100.0), allowed=ANY, clear_change=0.01
)
FED_BATCH = CHO_PERFUSION.without("perfusion_rate", "bleed_rate", "glucose_setpoint", "pyruvate_feed").with_(
    FEED_A, FEED_B
)
WITH_ASPARAGINE = CHO_PERFUSION.with_(ASPARAGINE, medium=Medium(glucose=5.0, glutamine=6.0, asparagine=12.0))


def after(panel, values, setpoints, *, hours=24.0, factors=None, medium=None, steps=8):
    """Values by name after an interval at setpoints by name; nominal setpoints and zero species where not given."""
    at = layout_of(panel)
    start = np.array([values.get(name, 0.0) for name in at.species])[:, None]
    nominal = {s.name: s.allowed.nominal for s in panel.setpoints} | setpoints
    u = np.array([nominal[name] for name in at.setpoints])[:, None]
    f = np.zeros((at.n_parameters, 1))
    for name, value in (factors or {}).items():
        f[at.parameters.index(name)] = value
    end = advance(at, start, u, f, hours, at.medium if medium is None else np.array(medium), steps)
    return dict(zip(at.species, end[:, 0], strict=True))


CULTURE = {
    "vcd": 10.0, "viability": 97.0, "glucose": 4.0, "glutamine": 2.0, "glutamate": 1.0, "lactate": 8.0, "ammonium": 2.0,
    "pyruvate": 0.8, "titer": 100.0,
}  # fmt: skip


DEAD = {"viability": 97.0, "glucose": 1.0, "glutamine": 0.5, "lactate": 10.0, "titer": 200.0}
EMPTY = {"viability": 97.0}
"""Without cells nothing is taken up."""


class TestParameters:
    def test_those_of_the_default_panel_are_the_laws_in_their_order(self):
        parameters, n_own = parameters_of(CHO_PERFUSION)
        assert (len(parameters), n_own) == (31, 11)
        assert [p.name for p in parameters][:3] == ["growth", "death", "crowding"]
        assert [p.name for p in parameters][-2:] == ["death_crowding", "death_heat"]

    @pytest.mark.parametrize(
        ("gone", "lost"),
        [
            (("pyruvate", "pyruvate_feed"), {"pyruvate_uptake", "pyruvate_affinity", "pyruvate_yield"}),
            (("viability",), {"lysis"}),
            (("bleed_rate",), set()),
            (("perfusion_rate",), {"crowding", "death_crowding"}),
            (("agitation",), {"shear"}),
            (
                ("temperature",),
                {"temperature_optimum", "temperature_width", "productivity_cold", "death_heat"},
            ),
            (("titer",), {"productivity", "productivity_cold", "productivity_slow"}),
        ],
    )
    def test_what_is_not_there_has_none(self, gone, lost):
        all_of = {p.name for p in parameters_of(CHO_PERFUSION)[0]}
        assert {p.name for p in parameters_of(CHO_PERFUSION.without(*gone))[0]} == all_of - lost

    def test_a_by_product_without_its_precursor_is_made_by_a_rate_of_its_own(self):
        names = {p.name for p in parameters_of(CHO_PERFUSION.without("glucose", "glucose_setpoint"))[0]}
        assert "lactate_production" in names
        assert "lactate_yield" not in names
        assert "pyruvate_production" not in names

    def test_a_solute_without_a_law_has_wide_rates_that_a_vessel_has_of_its_own(self):
        parameters, n_own = parameters_of(WITH_ASPARAGINE)
        own = {p.name: p for p in parameters[:n_own]}
        assert n_own == 13
        assert own["asparagine_uptake"].log_sd == own["asparagine_production"].log_sd == GENERIC_LOG_SD

    def test_a_rate_is_the_same_in_any_unit(self):
        grams = Species("asparagine", unit="g/L", role="solute", molar_mass=132.12)
        of_unit = {
            unit: next(p.value for p in parameters_of(CHO_PERFUSION.with_(s))[0] if p.name == "asparagine_uptake")
            for unit, s in (("mmol/L", ASPARAGINE), ("g/L", grams))
        }
        assert of_unit["g/L"] == pytest.approx(of_unit["mmol/L"] * 0.13212)

    def test_another_unit_than_that_of_the_law_is_refused(self):
        with pytest.raises(ConfigError, match=r"glutamate is declared in g/L, expected mmol/L.*rates are learnt"):
            layout_of(CHO_PERFUSION.with_(Species("glutamate", unit="g/L", role="solute", molar_mass=147.13)))


class TestAbsent:
    def test_bleed_cells_leave_with_samples_only(self):
        panel = CHO_PERFUSION.without("bleed_rate")
        assert after(panel, CULTURE, {}) == pytest.approx(after(CHO_PERFUSION, CULTURE, {"bleed_rate": 0.0}))

    def test_perfusion_is_a_culture_without_inflow(self):
        panel = CHO_PERFUSION.without("perfusion_rate")
        still = after(CHO_PERFUSION, CULTURE, {"perfusion_rate": 0.0, "glucose_setpoint": 0.0})
        assert after(panel, CULTURE, {"glucose_setpoint": 0.0}) == pytest.approx(still)

    def test_viability_cells_die_all_the_same(self):
        panel = CHO_PERFUSION.without("viability")
        known = after(CHO_PERFUSION, CULTURE, {})
        known.pop("viability")
        assert after(panel, CULTURE, {}) == pytest.approx(known)

    def test_substrates_do_not_limit(self):
        poor = CULTURE | {"glucose": 0.01, "glutamine": 0.01}
        panel = CHO_PERFUSION.without("glucose", "glucose_setpoint", "glutamine")
        at_once = {"hours": 0.5}
        rich = CULTURE | {"glucose": 50.0, "glutamine": 50.0}
        growth = after(panel, poor, {}, **at_once)["vcd"]
        assert growth > after(CHO_PERFUSION, poor, {}, **at_once)["vcd"] * 1.005
        assert growth == pytest.approx(after(CHO_PERFUSION, rich, {}, **at_once)["vcd"], rel=1e-3)

    def test_by_products_do_not_inhibit(self):
        panel = CHO_PERFUSION.without("lactate", "ammonium")
        clean = CULTURE | {"lactate": 0.0, "ammonium": 0.0}
        assert after(panel, CULTURE, {}, hours=0.1)["vcd"] == pytest.approx(
            after(CHO_PERFUSION, clean, {}, hours=0.1)["vcd"], rel=1e-4
        )

    def test_temperature_and_agitation_are_usual(self):
        panel = CHO_PERFUSION.without("temperature", "agitation")
        with_them = after(CHO_PERFUSION, CULTURE, {"temperature": 36.8, "agitation": 850.0})
        assert after(panel, CULTURE, {})["vcd"] == pytest.approx(with_them["vcd"], rel=0.01)


class TestFeeds:
    """Where no medium flows, a feed makes the volume grow: dc/dt = f (c_feed - c), and it thins cells and product."""

    def test_solutes_and_product_follow_the_closed_form(self):
        rates = {"feed_a": 0.06, "feed_b": 0.02}
        end = after(FED_BATCH, DEAD, rates, hours=72.0, steps=16)
        kept = np.exp(-0.08 * 3.0)
        inflow = {"glucose": 0.06 * 80.0 / 0.08, "glutamine": (0.06 * 20.0 + 0.02 * 100.0) / 0.08}
        for name in ("glucose", "glutamine", "lactate", "titer"):
            exact = DEAD[name] * kept + inflow.get(name, 0.0) * (1.0 - kept)
            assert end[name] == pytest.approx(exact, rel=1e-6), name

    def test_cells_are_thinned_by_just_the_feed(self):
        fed, still = (after(FED_BATCH, CULTURE, {"feed_a": f, "feed_b": 0.0}, hours=1e-3) for f in (0.5, 0.0))
        assert np.log(still["vcd"] / fed["vcd"]) == pytest.approx(0.5 * 1e-3 / 24.0, rel=1e-3)

    def test_where_medium_flows_a_feed_leaves_with_the_harvest_and_cells_stay(self):
        panel = CHO_PERFUSION.with_(FEED_B)
        fed, still = (after(panel, CULTURE, {"feed_b": f}, hours=0.024) for f in (0.5, 0.0))
        assert fed["vcd"] == pytest.approx(still["vcd"], rel=1e-5)
        assert fed["titer"] < still["titer"] * (1.0 - 0.4 * 0.001)
        assert fed["glutamine"] > still["glutamine"]

    def test_a_concentrate_thins_cells_too_where_no_medium_flows(self):
        panel = CHO_PERFUSION.without("perfusion_rate", "bleed_rate")
        fed, still = (after(panel, CULTURE, {"glucose_setpoint": g}, hours=0.024) for g in (30.0, 0.0))
        assert np.log(still["vcd"] / fed["vcd"]) == pytest.approx(0.04 * 0.001, rel=0.02)


class TestInflow:
    def test_an_empty_vessel_becomes_its_medium(self):
        end = after(WITH_ASPARAGINE, EMPTY, {"perfusion_rate": 2.0, "glucose_setpoint": 2.0}, hours=240.0)
        assert {n: end[n] for n in ("glucose", "glutamine", "asparagine")} == pytest.approx(
            {"glucose": 5.0, "glutamine": 6.0, "asparagine": 12.0}, rel=1e-3
        )

    def test_columns_may_have_media_of_their_own_and_are_as_they_are_alone(self):
        at = layout_of(CHO_PERFUSION)
        y = np.repeat(np.array([CULTURE[n] for n in at.species])[:, None], 3, axis=1)
        u = np.repeat(np.array([s.allowed.nominal for s in CHO_PERFUSION.setpoints])[:, None], 3, axis=1)
        f, media = np.zeros((at.n_parameters, 3)), np.repeat(at.medium[:, None], 3, axis=1)
        media[at.species.index("glutamine")] = [2.0, 6.0, 10.0]
        together = advance(at, y, u, f, np.array([24.0, 24.0, 36.0]), media)
        for i, hours in enumerate((24.0, 24.0, 36.0)):
            one = slice(i, i + 1)
            assert (together[:, i] == advance(at, y[:, one], u[:, one], f[:, one], hours, media[:, i])[:, 0]).all()
        assert (np.diff(together[at.species.index("glutamine")]) > 0.5).all()

    def test_a_setpoint_says_what_flows_in_of_its_species(self):
        asked = Setpoint("inlet_asn", unit="mmol/L", role="inlet_concentration", of="asparagine",
                         allowed=Allowed(low=0.0, high=20.0, nominal=3.0, max_step=5.0), clear_change=1.0)  # fmt: skip
        panel = WITH_ASPARAGINE.with_(asked)
        end = after(panel, EMPTY, {"perfusion_rate": 2.0, "inlet_asn": 7.0}, hours=240.0)
        assert end["asparagine"] == pytest.approx(7.0, rel=1e-3)

    def test_any_solute_can_be_held_by_a_concentrate(self):
        hold = Setpoint(
            "hold_asn", unit="mmol/L", role="held_concentration", of="asparagine", composition=Medium(asparagine=500.0),
            max_flow=0.05, allowed=Allowed(low=1.0, high=20.0, nominal=15.0, max_step=5.0), clear_change=1.0,
        )  # fmt: skip
        panel = WITH_ASPARAGINE.with_(hold)
        end = after(panel, CULTURE | {"asparagine": 8.0}, {"hold_asn": 15.0}, hours=72.0)
        assert end["asparagine"] == pytest.approx(15.0, abs=0.6)  # within a few widths of the controller
        assert after(panel, CULTURE | {"asparagine": 8.0}, {"hold_asn": 0.0}, hours=72.0)["asparagine"] < 12.0
        at = layout_of(panel)
        assert at.rate_form == {
            at.species.index("glucose"): at.parameters.index("glucose_uptake"),
            at.species.index("asparagine"): at.parameters.index("asparagine_uptake"),
        }

    def test_a_concentrate_that_holds_nothing_is_refused(self):
        hold = Setpoint("hold_asn", unit="mmol/L", role="held_concentration", of="asparagine", max_flow=0.05,
                        allowed=ANY, clear_change=1.0)  # fmt: skip
        with pytest.raises(ConfigError, match=r"hold_asn holds asparagine by a concentrate of 0 mmol/L"):
            layout_of(WITH_ASPARAGINE.with_(hold))

    def test_what_cells_take_up_without_a_law_ends_as_it_runs_out(self):
        end = after(WITH_ASPARAGINE, CULTURE | {"vcd": 100.0}, {}, factors={"asparagine_uptake": 2.5}, hours=48.0)
        assert 0.0 <= end["asparagine"] < 1.0


def test_no_line_of_the_panel_decides_the_order_of_what_has_no_law():
    other = Species("serine", unit="mmol/L", role="solute", molar_mass=105.09)
    one, two = (CHO_PERFUSION.with_(*s) for s in ((ASPARAGINE, other), (other, ASPARAGINE)))
    assert parameters_of(one) == parameters_of(two)
