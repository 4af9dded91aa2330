"""Where the quantities of a panel stand in arrays, as the rate laws ask for them: looked up once, by name or role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from perfusio.errors import ConfigError
from perfusio.kinetics.parameters import (
    MADE_FROM,
    NAMED,
    PRODUCT,
    TAKEN_UP,
    Parameter,
    generic_production,
    parameters_of,
)
from perfusio.process.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A solute that is held by a concentrate.

    Attributes:
        species: Its place.
        setpoint: Place of its setpoint.
        concentrate: Its concentration in the concentrate, canonical unit.
        max_flow: Of the pump [1/day].
        width: Over which the controller opens, canonical unit.
    """

    species: int
    setpoint: int
    concentrate: float
    max_flow: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Solute:
    """How a solute is taken up and made.

    Attributes:
        name: Of the species.
        place: Among the species.
        is_taken_up: Whether a law of uptake with an affinity of its own is there.
        source: Substrate that it is made from by a yield; empty = none.
        is_generic: Whether its uptake is a specific rate of which nothing else is known.
        is_made: Whether its production is one.
        affinity: Of the generic uptake, canonical unit: it ends as the solute runs out.
    """

    name: str
    place: int
    is_taken_up: bool
    source: str
    is_generic: bool
    is_made: bool
    affinity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A panel as the rate laws see it; None where it lacks a quantity that a law could use.

    Attributes:
        parameters: Adjustable rates, in the order of all arrays.
        n_vessel_rates: So many of them, the first, vessels have of their own.
        cells: Place among species, as the next three.
        alive: Place of viability; dead cells are tracked where it is there.
        solutes: In order of the laws.
        products: Places, and the names of their specific productivities.
        perfusion: Place among setpoints, as the next three.
        bleed: Without it cells leave with samples only.
        temperature: Without it there is no law of temperature.
        agitation: Without it oxygen is limited as at a usual speed and nothing shears.
        inlets: Setpoint of the inlet concentration, by species.
        held: Solutes with a concentrate.
        feeds: Continuous feeds: place of the setpoint, and its composition (Q,).
        sampling: Broth taken for the analyzers [1/day].
    """

    parameters: tuple[Parameter, ...]
    n_vessel_rates: int
    cells: int
    alive: int | None
    solutes: tuple[Solute, ...]
    products: tuple[tuple[int, str], ...]
    perfusion: int | None
    bleed: int | None
    temperature: int | None
    agitation: int | None
    inlets: Mapping[int, int]
    held: tuple[Held, ...]
    feeds: tuple[tuple[int, tuple[float, ...]], ...]
    sampling: float

    @classmethod
    def of(cls, panel: Panel) -> Binding:
        """Bind a panel.

        Raises:
            ConfigError: a law's quantity has another unit than the law, or a concentrate holds nothing of its solute.
        """
        species, setpoints = list(panel.species_names), list(panel.setpoint_names)
        parameters, n_vessel_rates = parameters_of(panel)

        def role(name: str, among: list[str]) -> int | None:
            return among.index(found) if (found := panel.one_or_none(name)) else None  # type: ignore[arg-type]

        def named(name: str) -> int | None:
            return setpoints.index(name) if name in setpoints else None

        return cls(
            parameters=parameters,
            n_vessel_rates=n_vessel_rates,
            cells=species.index(panel.the("cells")),
            alive=panel.alive,
            solutes=_solutes(panel),
            products=tuple(
                (species.index(name), "productivity" if name == PRODUCT else f"{name}_productivity")
                for name in panel.of_role("product")
            ),
            perfusion=role("perfusion", setpoints),
            bleed=role("bleed", setpoints),
            temperature=named("temperature"),
            agitation=named("agitation"),
            inlets={panel.index(s.of): panel.index(s.name) for s in panel.setpoints if s.role == "inlet_concentration"},
            held=_held(panel),
            feeds=tuple(
                (setpoints.index(s.name), tuple(s.composition[name] for name in species))
                for s in panel.setpoints
                if s.role == "feed_rate"
            ),
            sampling=panel.equipment.sampling,
        )


def _solutes(panel: Panel) -> tuple[Solute, ...]:
    """Return the solutes, those with laws in the order of the laws, then others by name."""
    place = {name: i for i, name in enumerate(panel.species_names)}
    laws = [name for name in NAMED if name in panel.of_role("solute")]
    others = sorted(set(panel.of_role("solute")) - set(laws))
    floors = dict(zip(panel.species_names, (n.floor for n in panel.noise), strict=True))
    found = []
    for name in (*laws, *others):
        source = MADE_FROM.get(name, "")
        found.append(
            Solute(
                name=name,
                place=place[name],
                is_taken_up=name in TAKEN_UP,
                source=source if source in place else "",
                is_generic=name not in laws,
                is_made=generic_production(panel, name),
                affinity=max(floors[name], 1e-6),
            )
        )
    return tuple(found)


def _held(panel: Panel) -> tuple[Held, ...]:
    found = []
    for s in panel.setpoints:
        if s.role != "held_concentration":
            continue
        place, concentrate = panel.index(s.of), s.composition[s.of]
        if not (concentrate > 0.0 and isfinite(s.max_flow)):
            raise ConfigError(
                f"{panel.name}: {s.name} holds {s.of} by a concentrate of {concentrate:g} {panel[s.of].unit} from a "
                f"pump of at most {s.max_flow:g} 1/day; expected a concentration above 0 and a finite flow. Say "
                f"composition=Medium({s.of}=...) and max_flow=..."
            )
        found.append(
            Held(
                species=place,
                setpoint=panel.index(s.name),
                concentrate=concentrate,
                max_flow=s.max_flow,
                width=s.control_width or panel.noise[place].floor,
            )
        )
    return tuple(found)
