"""Metrics of a run for Prometheus, as text in its exposition format; made by the library that Prometheus maintains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from perfusio.errors import ConfigError
from perfusio.report.story.run_story import RunStory, VesselStory

if TYPE_CHECKING:
    from prometheus_client import Gauge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "perfusio_up": ("1 while the run has not ended", ()),
    "perfusio_last_record_timestamp_seconds": ("Wall time of the last record, Unix seconds", ()),
    "perfusio_culture_days": ("Culture day of the last sample", ("vessel",)),
    "perfusio_sample": ("Last value that was measured", ("vessel", "quantity", "unit")),
    "perfusio_setpoint": ("Setpoint in force", ("vessel", "quantity", "unit")),
    "perfusio_forecast": ("Mean of the latest forecast", ("vessel", "quantity", "unit", "days_ahead")),
    "perfusio_mode": ("1 for the mode that says who may write", ("vessel", "mode")),
    "perfusio_alarm": ("1 for each active alarm", ("vessel", "alarm")),
    "perfusio_decisions": ("Decisions by their end", ("vessel", "ended")),
    "perfusio_samples": ("Samples on record", ("vessel",)),
}
"""Name, help and labels of each family; all carry `run`. Labels are bounded: vessels, quantities, modes, alarms."""
LEADS = (1, 3, 7)


def metrics_text(*stories: RunStory) -> bytes:
    """Return the metrics of runs in the text format of Prometheus.

    Values that were never measured have no series; a gap is told by its absence, never by 0.

    Args:
        stories: The runs as their records tell them.

    Raises:
        ConfigError: prometheus_client is not installed (extra ``metrics``).
    """
    try:
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
    except ImportError as error:
        raise ConfigError(
            "Metrics need prometheus_client, which is not installed: install 'perfusio-twin[metrics]', or it alone."
        ) from error
    registry = CollectorRegistry()
    families = {
        name: Gauge(name, f"{words}.", ("run", *labels), registry=registry)
        for name, (words, labels) in _FAMILIES.items()
    }
    for story in stories:
        _of_run(families, story)
    return generate_latest(registry)


def _of_run(families: dict[str, Gauge], story: RunStory) -> None:
    families["perfusio_up"].labels(story.run_id).set(0.0 if story.ended is not None else 1.0)
    if story.last_ts:
        stamp = datetime.fromisoformat(story.last_ts).timestamp()
        families["perfusio_last_record_timestamp_seconds"].labels(story.run_id).set(stamp)
    for vessel in story.vessels.values():
        _of_vessel(families, story, vessel)
    for alarm in story.alarms:
        if not alarm.ended:
            families["perfusio_alarm"].labels(story.run_id, alarm.place.reactor, alarm.name).set(1.0)


def _of_vessel(families: dict[str, Gauge], story: RunStory, vessel: VesselStory) -> None:
    run, name, panel = story.run_id, vessel.name, vessel.panel
    families["perfusio_samples"].labels(run, name).set(len(vessel.known.states))
    if vessel.mode:
        families["perfusio_mode"].labels(run, name, vessel.mode).set(1.0)
    if vessel.known.states:
        families["perfusio_culture_days"].labels(run, name).set(vessel.now_h / 24.0)
    for quantity in panel.species:
        last = vessel.known.last_measured(quantity.name)
        if last is not None:
            value = getattr(last, quantity.name)
            families["perfusio_sample"].labels(run, name, quantity.name, quantity.unit).set(value)
    for asked in panel.setpoints:
        value = getattr(vessel.in_force, asked.name)
        if value == value:
            families["perfusio_setpoint"].labels(run, name, asked.name, asked.unit).set(value)
    for quantity_name, days, mean in _forecasts(vessel):
        unit = panel[quantity_name].unit
        families["perfusio_forecast"].labels(run, name, quantity_name, unit, f"{days}").set(mean)
    ended = [d.ended or "open" for d in story.decisions if d.place.reactor == name]
    for how in dict.fromkeys(ended):
        families["perfusio_decisions"].labels(run, name, how).set(ended.count(how))


def _forecasts(vessel: VesselStory) -> Iterator[tuple[str, int, float]]:
    latest = vessel.latest
    if latest is None:
        return
    for name in vessel.panel.species_names:
        ahead = latest.outlook(name)
        for days in LEADS:
            if (found := ahead.at(latest.made_h + 24.0 * days)) is not None:
                yield name, days, found[0]
