"""The process of a sheet as answers, with the likely answer as default: knobs, medium, vessel, bounds, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.cli.first_hour.answers import FED_BATCH, KINDS, PERFUSED, Answers
from perfusio.cli.first_hour.person import Asked
from perfusio.cli.first_hour.words import amount, amounts, limit_in_words, limit_of, names_of, one_of, three, word
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.cli.first_hour.understood import Understood
    from perfusio.process.panel import Panel
    from perfusio.process.species import Setpoint

CONDITION, INLET = "condition", "inlet_concentration"
FEED_ALLOWED = {"low": 0.0, "high": 0.03, "nominal": 0.01, "max_step": 0.01}
"""Of a feed that nobody has bounded [1/day]: up to 3 % of the volume a day, as usual feeding does."""
MOST_FED = 0.5


def kind_of(answers: Answers, found: Understood, base: Panel, asked: Asked) -> Answers:
    """Ask how medium flows in.

    Raises:
        ConfigError: the sheet leaves it open and there is nobody to ask.
    """
    if answers.kind is not None:
        return answers
    flows = [name for name in base.of_role("perfusion") if name in found.stated(base)]
    is_open = found.has_feeds and not flows
    if is_open and not asked.is_there:
        raise ConfigError(
            f"{found.table.name} tells of feeds and has no column of a perfusion rate: how does medium flow in?\n"
            "  Which is it?\n    - a fed-batch, the volume grows: --kind fed-batch --feed 'NAME=SPECIES 400 g/L'\n"
            "    - perfusion, and the feeds come on top: --kind perfusion"
        )
    default = FED_BATCH if is_open else PERFUSED
    return answers.with_(kind=asked.answer("How does medium flow in: perfusion, fed-batch or batch?", default,
                                           one_of(KINDS)))  # fmt: skip


def knobs_of(
    answers: Answers, found: Understood, base: Panel, asked: Asked, assumed: list[str]
) -> tuple[Answers, tuple[str, ...]]:
    """Ask for the setpoints that the rig has; those that the sheet states, and flows, are the likely ones."""
    possible = [s.name for s in base.setpoints if answers.kind == PERFUSED or s.role == CONDITION]
    if answers.setpoints is None:
        stated = found.stated(base)
        usual = [n for n in possible if n in stated or n in base.of_role("perfusion", "bleed")]
        given = asked.answer(
            f"Which of these can be set on your rig, and are to be advised: {', '.join(possible)}?", ", ".join(usual),
            names_of(possible),
        )  # fmt: skip
        answers = answers.with_(setpoints=given)
        if not asked.is_there and possible:
            assumed.append(f"knobs of the rig: {', '.join(given) or 'none'} (--setpoints)")
    chosen = names_of(possible)(", ".join(answers.setpoints or ()))
    return answers, tuple(n for n in base.setpoint_names if n in chosen)


def fixed_of(
    answers: Answers, base: Panel, knobs: tuple[str, ...], asked: Asked, assumed: list[str]
) -> tuple[Answers, dict[str, float]]:
    """Ask for the values of conditions that are no knobs.

    Raises:
        ConfigError: a value is given for a knob.
    """
    fixed = dict(answers.fixed)
    conditions = [s for s in base.setpoints if s.role == CONDITION and s.name not in knobs]
    for setpoint in conditions:
        if setpoint.name in fixed:
            continue
        usual = "" if setpoint.allowed is None else f"{setpoint.allowed.nominal:g}"
        words = f"{setpoint.label} is not moved. At which value does it stand [{setpoint.unit}]?"
        fixed[setpoint.name] = asked.answer(words, usual, float)
        if not asked.is_there:
            assumed.append(f"{setpoint.name} stands at {usual} {setpoint.unit} (--fixed {setpoint.name}=VALUE)")
    if strange := [name for name in fixed if name not in {s.name for s in conditions}]:
        raise ConfigError(f"--fixed {strange[0]}: expected a condition that is no knob. Take one of the two away.")
    return answers.with_(fixed=fixed), fixed


def medium_of(answers: Answers, base: Panel, asked: Asked, assumed: list[str]) -> Answers:
    """Ask for the composition of the medium, or of the feeds of a fed-batch."""
    if answers.kind == FED_BATCH:
        if not answers.feeds and not asked.is_there:
            raise ConfigError(
                "A fed-batch needs at least one feed, found none. Say each with its content: "
                "--feed 'NAME=SPECIES 400 g/L, SPECIES 40 mmol/L', or name a process.toml: --process FILE."
            )
        if not answers.feeds:
            name = asked.answer("Name of the feed?", "feed", word)
            content = asked.answer("Its content, e.g. glucose 400 g/L, glutamine 40 mmol/L?", "", amounts)
            answers = answers.with_(feeds={name: content})
        return answers
    medium = dict(answers.medium)
    for name in base.medium:
        if name in medium or answers.kind != PERFUSED:
            continue
        usual = f"{base.medium[name]:g} {base[name].unit}"
        medium[name] = asked.answer(f"{base[name].label} in the medium that flows in?", usual, amount)
        if not asked.is_there:
            assumed.append(f"medium with {name} {usual} (--medium '{name}=AMOUNT')")
    if asked.is_there and answers.kind == PERFUSED and not answers.medium:
        words = "Further species in the medium, e.g. pyruvate 1 mmol/L, lactate 0 g/L? Empty = none."
        medium |= asked.answer(words, "", lambda text: amounts(text) if text else {})
    return answers.with_(medium=medium)


def process_of(
    answers: Answers, found: Understood, base: Panel, knobs: tuple[str, ...], asked: Asked, assumed: list[str]
) -> tuple[Answers, dict[str, Any]]:
    """Return process.toml as plain data."""
    out = [s for s in base.setpoints if s.name not in knobs and s.role != CONDITION]
    if answers.kind != PERFUSED:
        out = [s for s in base.setpoints if s.role != CONDITION]
    without = [s.name for s in out] + _of_nobody(out, answers, found, base)
    if not answers.working_volume and asked.is_there:
        volume = asked.answer("Working volume of a vessel, e.g. 250 mL? Empty = not declared.", "", str.strip)
        answers = answers.with_(working_volume=volume)
    answers, bounds = _with_bounds(answers, base, knobs, asked)
    unit = next(s.unit for s in base.setpoints if s.role == "perfusion")
    setpoints: dict[str, Any] = {name: {"allowed": allowed} for name, allowed in bounds.items()}
    for name, content in answers.feeds.items() if answers.kind == FED_BATCH else ():
        allowed = dict(FEED_ALLOWED)
        if name in answers.bounds:
            allowed = _allowed(answers.bounds[name], FEED_ALLOWED["nominal"])
        else:
            assumed.append(f"{name} {allowed['low']:g} to {allowed['high']:g} {unit} (--bounds {name}=...)")
        setpoints[name] = {
            "unit": unit, "role": "feed_rate", "low": 0.0, "high": MOST_FED, "composition": dict(content),
            "allowed": allowed,
        }  # fmt: skip
    answers, limits = _with_limits(answers, base, set(without), asked)
    process: dict[str, Any] = {
        "name": f"{answers.kind} of {(answers.sheet or Path('sheet')).stem}",
        **({"without": without} if without else {}),
        **({"working_volume": answers.working_volume} if answers.working_volume else {}),
        "limits": limits,
        **({"medium": {n: a for n, a in answers.medium.items() if n not in without}} if answers.medium else {}),
        **({"setpoints": setpoints} if setpoints else {}),
    }
    return answers, process


def _of_nobody(out: list[Setpoint], answers: Answers, found: Understood, base: Panel) -> list[str]:
    """Return the species of inlets that the rig has not, where nobody measures them and no medium holds them."""
    fed = {name for content in answers.feeds.values() for name in content}
    known = found.measured | set(answers.medium) | fed | set(base.critical)
    return [s.of for s in out if s.role == INLET and s.of and s.of not in known]


def _with_bounds(
    answers: Answers, base: Panel, knobs: tuple[str, ...], asked: Asked
) -> tuple[Answers, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, float]] = {}
    for name in knobs:
        allowed = getattr(base[name], "allowed", None)
        given = answers.bounds.get(name)
        if given is None:
            usual = "" if allowed is None else f"{allowed.low:g} {allowed.high:g} {allowed.max_step:g}"
            words = f"{name} [{base[name].unit}]: least, largest, longest step a decision?"
            given = asked.answer(words, usual, three)
            answers = answers.with_(bounds={name: given})
        found[name] = _allowed(given, given[0] if allowed is None else allowed.nominal)
    if strange := [n for n in answers.bounds if n not in knobs and n not in answers.feeds]:
        raise ConfigError(f"--bounds {strange[0]}: expected a knob, one of {', '.join(knobs)}. See --setpoints.")
    return answers, found


def _allowed(bounds: tuple[float, float, float], nominal: float) -> dict[str, float]:
    low, high, step = bounds
    return {"low": low, "high": high, "nominal": min(max(nominal, low), high), "max_step": step}


def _with_limits(
    answers: Answers, base: Panel, without: set[str], asked: Asked
) -> tuple[Answers, list[dict[str, Any]]]:
    """Return the limits of the culture: those of the base, replaced by the person's own."""
    usual = list(base.without(*without).limits) if without else list(base.limits)
    told = ", ".join(limit_in_words(_as_data(limit)) for limit in usual)
    if not answers.limits and asked.is_there:
        words = f"The culture keeps {told}. Other limits, e.g. viability >= 90? Empty = these."
        said = asked.answer(words, "", lambda text: [limit_of(part) for part in text.split(",")] if text else [])
        answers = answers.with_(limits=tuple(limit_in_words(one) for one in said))
    found = {(limit.quantity, limit.low is not None): _as_data(limit) for limit in usual}
    for text in answers.limits:
        one = limit_of(text)
        known = found.get((one["quantity"], "low" in one), {})
        found[one["quantity"], "low" in one] = {**one, "probability": known.get("probability", 0.95)}
    return answers, list(found.values())


def _as_data(limit: Any) -> dict[str, Any]:
    ends = {end: value for end in ("low", "high") if (value := getattr(limit, end)) is not None}
    return {"quantity": limit.quantity, **ends, "probability": limit.probability}
