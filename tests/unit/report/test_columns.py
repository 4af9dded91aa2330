"""Narrow columns: names of every process fit and differ, those of the default one are as they were."""

import pytest

from perfusio.process import CHO_PERFUSION, Setpoint, Species
from perfusio.report.columns import LEAST, MOST, USUAL, WIDTH, headed, narrow, short, shown


def test_the_default_process_has_its_own_names():
    assert list(shown(CHO_PERFUSION).values()) == ["VCD", "viab.", "glucose", "lactate", "titer"]
    assert list(short(CHO_PERFUSION).values()) == ["perf.", "bleed", "glucose", "temp.", "agit.", "pyruv."]
    assert [narrow(CHO_PERFUSION[n]) for n in ("vcd", "titer")] == ["1e6/mL", "mg/L"]
    assert [headed(CHO_PERFUSION[n]) for n in ("vcd", "viability")] == ["VCD", "viability"]


def test_names_are_squeezed_and_differ():
    process = CHO_PERFUSION.with_(
        *(Setpoint(name, unit="1/day", role="feed_rate") for name in ("glucose_feed", "glutamine_feed", "glu_fee")),
        Setpoint("oxygenation", unit="mmol/L/day/very_long", role="condition"),
    )
    names = short(process)
    assert names["glucose_feed"] == "glu.fee"
    assert names["oxygenation"] == "oxygen."
    assert len(set(names.values())) == len(names)
    assert max(map(len, names.values())) <= WIDTH
    assert len(narrow(process["oxygenation"])) == WIDTH


@pytest.mark.parametrize("n_more", [0, 2, 9])
def test_species_leave_room_for_setpoints(n_more):
    process = CHO_PERFUSION.with_(*(Setpoint(f"c{i}", unit="%", role="condition") for i in range(n_more)))
    n = len(shown(process))
    assert n == max(LEAST, min(USUAL, MOST - len(process.setpoints)))
    assert list(shown(process))[:2] == ["vcd", "viability"]


def test_species_without_a_short_name_fill_the_table():
    bare = CHO_PERFUSION.without("titer", "lactate")
    assert list(shown(bare)) == ["vcd", "viability", "glucose", "glutamine", "glutamate"]
    more = CHO_PERFUSION.without("pyruvate_feed").with_(Species("asn", unit="mmol/L", role="solute", short="Asn"))
    assert "asn" in shown(more)
    full = more.with_(Setpoint("ph", unit="-", role="condition"), Setpoint("oxygen", unit="%", role="condition"))
    assert list(shown(full)) == ["vcd", "viability", "glucose", "asn"]


def test_a_line_that_is_too_long_for_a_terminal_is_wrapped_once_more():
    from perfusio.report.lines import Line, fitted

    parts = fitted(Line("      why: " + "a word " * 20), 80)
    assert len(parts) > 1
    assert all(len(part.text) <= 80 for part in parts)
    assert fitted(Line("short"), 80) == [Line("short")]


def test_that_nothing_was_learnt_is_no_part_of_every_reason():
    from perfusio.report.lines import without_support

    words = "vcd 12; tightest limit cspr >= 15 (P = 0.95); far from what was learnt (support 0.00)."
    assert without_support(words) == ("vcd 12; tightest limit cspr >= 15 (P = 0.95).", True)
    assert without_support("vcd 12.") == ("vcd 12.", False)
