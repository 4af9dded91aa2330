"""What became of each alarm."""

from perfusio.events import AlarmChanged, AlarmRaised, RunEnded
from perfusio.twin.alarms.alarm_list import alarm_states, rolled_up


def raised(reactor="R01", quantity="glucose", level="act", day=1):
    return AlarmRaised(reactor=reactor, turn=day, quantity=quantity, level=level, value=0.2, limit=0.3, lead_days=0.0,
                       response="Feed.", reason=f"Low on day {day}.")  # fmt: skip


def changed(status, alarm="glucose:act", who=""):
    return AlarmChanged(reactor="R01", turn=2, alarm=alarm, status=status, who=who)


def test_an_alarm_has_cause_consequence_response_and_priority():
    (state,) = alarm_states([raised()])
    assert (state.id, state.status, state.since, state.priority) == ("glucose:act", "active", "turn 1", 1)
    assert (state.cause, state.consequence, state.response) == ("Low on day 1.", "Cells starve within hours.", "Feed.")


def test_an_alarm_is_acknowledged_cleared_and_raised_again():
    assert alarm_states([raised(), changed("acknowledged", who="Anna")])[0].who == "Anna"
    assert alarm_states([raised(), changed("cleared")])[0].is_over
    (again,) = alarm_states([raised(), changed("cleared"), raised(day=5)])
    assert (again.status, again.n_times, again.since, again.cause) == ("active", 2, "turn 5", "Low on day 5.")


def test_a_change_of_an_alarm_that_was_never_raised_and_other_events_are_nothing():
    assert alarm_states([changed("cleared"), RunEnded(outcome="X", n_samples=0, n_decisions=0)]) == ()


def test_the_gravest_that_is_open_comes_first():
    events = [raised(level="warn", quantity="lactate"), raised(), raised("R02", "ammonium"), changed("cleared")]
    found = alarm_states(events)
    assert [s.id for s in found] == ["ammonium:act", "lactate:warn", "glucose:act"]


def test_alarms_that_are_alike_are_rolled_up():
    found = rolled_up(alarm_states([raised(f"R{i:02d}") for i in range(5)] + [raised("R09", level="warn")]))
    assert [(state.id, len(vessels)) for state, vessels in found] == [("glucose:act", 5), ("glucose:warn", 1)]
