"""OPC UA as plants do it: steps, other zeros, dates for times, values that stay, samples that never come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opc_ua.samples import Reading, Seen, next_sample, withheld
from perfusio.errors import ConfigError, UnreadableSource

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def vessel(sample, **sections):
    told = {"namespaces": {"rig": "urn:rig"}, "vessels": {"R01": "R01"}, "sample": sample, **sections}
    return node_map_of(told).vessels["R01"]


def measured(*names, **more):
    return {"measured": {n: {"node": f"rig:s={n}", **more.get(n, {})} for n in names}}


def look(of, at, **values):
    """A look at which each value has the age in hours given beside it."""
    found = {}
    for tag in of.sample_tags():
        value, hours = values.get(tag.name, (5.0, at))
        told = value if isinstance(value, str | datetime) else None
        found[tag] = Reading(
            value=nan if told is not None else value, status="Good", told=told,
            source_time=None if hours is None else START + timedelta(hours=hours),
        )  # fmt: skip
    return found


def settled(of, readings, seen):
    _, seen = next_sample(of, readings, seen)
    return next_sample(of, readings, seen)


class TestAValueThatStays:
    def test_is_measured_again_with_a_new_critical_one(self):
        of = vessel({"inoculated": START}, **measured("vcd", "viability", "titer", titer={"unchanged": "missing"}))
        first, seen = settled(of, look(of, 24), Seen())
        assert set(first.measured()) == {"vcd", "viability", "titer"}
        next_day = look(of, 24, vcd=(9.0, 48.0))  # viability and titer keep their stamps
        second, seen = settled(of, next_day, seen)
        assert (second.time_h, second.measured()) == (48.0, {"vcd": 9.0, "viability": 5.0})
        assert "source 2026-11-03T09:00:00" in second.quality["viability"]  # the record says how old it is
        assert settled(of, next_day, seen)[0] is None

    def test_a_late_value_that_is_not_critical_comes_alone(self):
        of = vessel({"inoculated": START}, **measured("vcd", "titer"))
        _, seen = settled(of, look(of, 24), Seen())
        late, _ = settled(of, look(of, 24, titer=(410.0, 30.0)), seen)
        assert late.measured() == {"titer": 410.0}

    def test_the_map_may_say_otherwise_for_all(self):
        of = vessel({"inoculated": START, "unchanged": "missing"}, **measured("vcd", "viability"))
        _, seen = settled(of, look(of, 24), Seen())
        assert settled(of, look(of, 24, vcd=(9.0, 48.0)), seen)[0].measured() == {"vcd": 9.0}
        with pytest.raises(ConfigError, match="unchanged = 'perhaps': expected 'measured' or 'missing'"):
            vessel({"inoculated": START, "unchanged": "perhaps"}, **measured("vcd"))


class TestTimes:
    @pytest.mark.parametrize(
        ("held", "hours"),
        [
            (START + timedelta(hours=30), 30.0),
            ("2026-11-03T16:00:00+01:00", 30.0),
            ("30.5", 30.5),
        ],
    )
    def test_a_date_or_a_text_times_a_sample_and_counts_it_on_one_node(self, held, hours):
        node = "rig:s=sampled"
        of = vessel({"number": node, "time": node, "inoculated": START}, **measured("vcd"))
        readings = look(of, 31, number=(held, 31), time=(held, 31))
        state, seen = next_sample(of, readings, Seen())
        assert state.time_h == hours
        assert next_sample(of, readings, seen)[0] is None
        assert seen.n_unread == 0

    @pytest.mark.parametrize("held", ["2026-11-03T15:00:00", "yesterday", START])
    def test_a_date_that_means_no_hour_is_refused(self, held):
        of = vessel({"number": "rig:s=n", "time": "rig:s=t"}, **measured("vcd"))
        with pytest.raises(UnreadableSource, match="no usable time"):
            next_sample(of, look(of, 31, number=(1.0, 31), time=(held, 31)), Seen())


class TestScales:
    @pytest.mark.parametrize(
        ("told", "raw", "canonical"),
        [
            ({"unit": "K"}, 309.85, 36.7),
            ({"unit": "°F"}, 98.06, 36.7),
            ({"factor": 0.1, "offset": -10.0}, 467.0, 36.7),
        ],
    )
    def test_a_zero_of_its_own_goes_both_ways(self, told, raw, canonical):
        of = vessel({"inoculated": START}, setpoints={"temperature": {"node": "rig:s=T", **told}})
        tag = of.setpoints["temperature"]
        assert tag.canonical(raw) == pytest.approx(canonical)
        assert tag.raw(tag.canonical(raw)) == pytest.approx(raw)

    def test_a_step_is_rounded_to_before_it_is_asked_for(self):
        of = vessel({"inoculated": START}, setpoints={"temperature": {"node": "rig:s=T", "resolution": 0.1}})
        tag = of.setpoints["temperature"]
        assert tag.raw(36.7264) == pytest.approx(36.7)
        assert tag.step_between(36.5, 36.7264) == pytest.approx(36.7)
        assert tag.step_between(36.5, 36.78) == pytest.approx(36.7)  # 36.8 might lie beyond a bound
        assert tag.step_between(37.0, 36.7264) == pytest.approx(36.8)
        assert tag.step_between(36.5, 36.8) == pytest.approx(36.8)
        for wrong in (-0.1, "fine"):
            with pytest.raises(ConfigError, match="expected the step of the controller"):
                vessel({"inoculated": START}, setpoints={"temperature": {"node": "rig:s=T", "resolution": wrong}})


class TestASampleThatNeverComes:
    def test_without_number_and_source_times(self):
        of = vessel({"inoculated": START}, **measured("vcd", "viability"))
        readings = look(of, None)
        state, seen = next_sample(of, readings, Seen())
        assert state is None
        assert "no sample number" in withheld(of, readings, seen)

    def test_with_source_times_that_move_on(self):
        of, seen = vessel({"inoculated": START}, **measured("vcd", "viability")), Seen()
        for minute in range(3):
            readings = look(of, 24 + minute / 60, viability=(98.0, 24.0))
            state, seen = next_sample(of, readings, seen)
            assert state is None
            assert "source times of vcd" in withheld(of, readings, seen).replace(", viability", "")

    def test_with_a_number_that_cannot_be_read(self):
        of = vessel({"number": "rig:s=n", "time": "rig:s=t"}, **measured("vcd"))
        readings = look(of, 24, number=("S-0042", 24))
        assert "cannot be read" in withheld(of, readings, next_sample(of, readings, Seen())[1])

    def test_with_values_that_are_never_good(self):
        counted = vessel({"number": "rig:s=n", "time": "rig:s=t"}, **measured("vcd", "titer"))
        for of in (counted, vessel({"inoculated": START}, **measured("vcd", "titer"))):
            good = look(of, 24, number=(1.0, 24))
            bad = {t: replace(r, status="BadSensorFailure") if t.name in of.measured else r for t, r in good.items()}
            state, seen = settled(of, bad, Seen())
            assert state is None
            assert "vcd (s=vcd) is BadSensorFailure; source 2026-11-03T09" in withheld(of, bad, seen)
            came = []
            for _ in range(2):
                state, seen = next_sample(of, good, seen)
                came += [state] if state is not None else []
            assert [set(state.measured()) for state in came] == [{"vcd", "titer"}]  # nothing was used up meanwhile
            assert withheld(of, bad, seen) == ""  # an analyzer that is away between two samples

    def test_a_probe_that_breaks_makes_no_sample_of_yesterdays_values(self):
        of = vessel({"inoculated": START}, **measured("vcd", "viability", "glucose"))
        _, seen = settled(of, look(of, 24), Seen())
        broken = look(of, 24, vcd=(9.0, 48.0))
        broken[of.measured["vcd"]] = replace(broken[of.measured["vcd"]], status="BadSensorFailure")
        state, after = settled(of, broken, seen)
        assert state is None
        assert "vcd (s=vcd) is BadSensorFailure" in withheld(of, broken, after)

    def test_it_is_told_within_a_minute(self):
        timing = Timing()
        assert timing.withheld + timing.poll + timing.request < 60.0

    def test_who_just_waits_for_the_next_is_told_nothing(self):
        of = vessel({"inoculated": START}, **measured("vcd"))
        readings = look(of, 24)
        _, seen = settled(of, readings, Seen())
        assert withheld(of, readings, seen) == ""
