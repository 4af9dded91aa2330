"""The adjustable rates of the laws, and which of them a panel has.

A parameter is there if every quantity that its law needs is in the panel. A solute without a law of its own has an
unknown specific uptake and an unknown production, both with a wide prior; so has a by-product whose precursor is not in
the panel. The first `n_vessel_rates` parameters may differ from vessel to vessel. Order: the laws as they stand here,
then generic ones, by name; so no line of a panel decides it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint, Species
from perfusio.quantities import conversion_factor

VIABILITY, PERFUSION, ANY_PRODUCT = "(viability)", "(perfusion)", "(product)"
"""Needs that are roles instead of names."""
PRODUCT = "titer"
"""The product whose specific productivity is called by that word alone; those of others carry their name."""
NAMED = ("glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate", PRODUCT, "temperature", "agitation")
"""Quantities that the laws name; their constants are in the units of the default panel."""
TAKEN_UP = ("glucose", "glutamine", "glutamate", "lactate", "pyruvate")
"""Solutes with a law of uptake."""
MADE_FROM = {"lactate": "glucose", "glutamate": "glutamine", "ammonium": "glutamine", "pyruvate": "glucose"}
"""By-products with a yield, and their substrates. Only pyruvate is a nutrient first: without glucose in the
panel it is not made."""
GENERIC_LOG_SD = 1.0
"""Of a specific rate of which nothing is known: a factor of 2.7 either way is usual, one of 12 within reach."""
_TYPICAL_MOLAR_MASS = 150.0  # g/mol, of an amino acid: where a solute in grams says none


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One adjustable rate of the prior.

    Attributes:
        name: Identifier.
        value: Typical value.
        unit: Its unit.
        log_sd: Prior standard deviation of its logarithm, between cell lines; calibration stays within 2.5 of them.
        needs: Quantities or roles without which it has no meaning.
    """

    name: str
    value: float
    unit: str
    log_sd: float = 0.35
    needs: tuple[str, ...] = ()


def _p(name: str, value: float, unit: str, *needs: str, log_sd: float = 0.35) -> Parameter:
    return Parameter(name=name, value=value, unit=unit, log_sd=log_sd, needs=needs)


RATES: tuple[Parameter, ...] = (
    _p("growth", 0.80, "1/day"),
    _p("death", 0.006, "1/day", log_sd=0.4),
    _p("crowding", 15.0, "pL/cell/day", PERFUSION, log_sd=0.5),
    _p("glucose_uptake", 1.5, "pmol/cell/day", "glucose"),
    _p("lactate_yield", 0.9, "mol/mol", "glucose", "lactate", log_sd=0.5),
    _p("lactate_uptake", 0.4, "pmol/cell/day", "lactate", log_sd=0.7),
    _p("glutamine_uptake", 0.25, "pmol/cell/day", "glutamine", log_sd=0.5),
    _p("ammonium_yield", 0.8, "mol/mol", "glutamine", "ammonium", log_sd=0.4),
    _p("glutamate_yield", 0.3, "mol/mol", "glutamine", "glutamate", log_sd=0.5),
    _p("pyruvate_uptake", 0.12, "pmol/cell/day", "pyruvate", log_sd=0.6),
    _p("productivity", 22.0, "pg/cell/day", PRODUCT),
)
"""Parameters that may differ from vessel to vessel."""
SHAPES: tuple[Parameter, ...] = (
    # the shape of the rate laws: calibrated with the rates, then the same for every vessel
    _p("glucose_affinity", 0.15, "g/L", "glucose", log_sd=0.5),  # about 1 mmol/L (Duran-Villalobos)
    _p("glutamine_affinity", 0.2, "mmol/L", "glutamine", log_sd=0.7),  # Duran-Villalobos
    _p("lactate_affinity", 0.5, "mmol/L", "lactate", log_sd=0.7),  # this and the next two: judgement
    _p("glutamate_affinity", 0.5, "mmol/L", "glutamate", log_sd=0.7),
    _p("pyruvate_affinity", 0.5, "mmol/L", "pyruvate", log_sd=0.7),
    _p("ammonium_half", 8.0, "mmol/L", "ammonium", log_sd=0.3),  # Kurano, as cited in process-facts 3.4
    _p("lactate_half", 35.0, "mmol/L", "lactate", log_sd=0.4),  # 28 to more than 40, process-facts 3.4
    _p("temperature_optimum", 36.8, "°C", "temperature", log_sd=0.008),  # 36.4 in insilicho
    _p("temperature_width", 3.5, "°C", "temperature", log_sd=0.15),  # 3.12 in insilicho
    _p("oxygen_density", 90.0, "1e6/mL", log_sd=0.3),  # halves growth at 850 rpm; judgement
    _p("shear", 0.01, "1/day", "agitation", log_sd=0.5),  # death at 1000 rpm; judgement, as are all below
    _p("lysis", 0.05, "1/day", VIABILITY, log_sd=0.5),
    _p("productivity_cold", 0.1, "1/°C", "temperature", ANY_PRODUCT, log_sd=0.5),
    _p("productivity_slow", 0.5, "-", ANY_PRODUCT, log_sd=0.5),
    _p("glucose_maintenance", 0.5, "-", "glucose", log_sd=0.7),  # uptake without growth over that of growth
    _p("glutamine_maintenance", 0.5, "-", "glutamine", log_sd=0.7),
    _p("glutamate_uptake", 0.03, "pmol/cell/day", "glutamate", log_sd=0.5),
    _p("pyruvate_yield", 0.01, "mol/mol", "glucose", "pyruvate", log_sd=0.5),
    _p("death_crowding", 15.0, "pL/cell/day", PERFUSION, log_sd=0.5),  # perfusion per cell: death doubles
    _p("death_heat", 0.15, "1/°C", "temperature", log_sd=0.6),
)


def parameters_of(panel: Panel) -> tuple[tuple[Parameter, ...], int]:
    """Return the parameters of the laws of a panel, and how many of them, the first ones, vessels have of their own.

    Raises:
        ConfigError: a quantity that a law names is declared in another unit than the law's.
    """
    _check_units(panel)
    acting: tuple[Species | Setpoint, ...] = (*panel.modelled, *panel.setpoints)
    there = {q.name for q in acting} | {f"({q.role})" for q in acting}

    def have(parameter: Parameter) -> bool:
        return there.issuperset(parameter.needs)

    rates = (*filter(have, RATES), *_generic(panel))
    return (*rates, *filter(have, SHAPES)), len(rates)


def generic_production(panel: Panel, name: str) -> bool:
    """Whether a solute's production has no law of its own: one of no name here, or without its precursor."""
    if name not in NAMED:
        return True
    source = MADE_FROM.get(name)
    return source is not None and name != "pyruvate" and source not in panel.species_names


def _generic(panel: Panel) -> list[Parameter]:
    """Return the rates of species without a law, by name."""
    found = []
    for s in panel.modelled:
        if s.role == "product" and s.name != PRODUCT:
            found.append(_p(f"{s.name}_productivity", *_specific(s, 22.0), log_sd=GENERIC_LOG_SD))
        elif s.role == "solute":
            if s.name not in NAMED:
                found.append(_p(f"{s.name}_uptake", *_specific(s, 0.05), log_sd=GENERIC_LOG_SD))
            if generic_production(panel, s.name):
                found.append(_p(f"{s.name}_production", *_specific(s, 0.05), log_sd=GENERIC_LOG_SD))
    return sorted(found, key=lambda p: p.name)


def _specific(species: Species, typical: float) -> tuple[float, str]:
    """Return a specific rate of a species in its own unit per 1e6 cells/mL and day, and that unit.

    Args:
        species: Solute or product.
        typical: pmol/cell/day for a solute, pg/cell/day for a product; with 1e6 cells/mL that is mmol/L or mg/L a day.
    """
    alike = CHO_PERFUSION[PRODUCT if species.role == "product" else "glutamine"].unit
    try:
        rate = typical * conversion_factor(
            alike, replace(species, molar_mass=species.molar_mass or _TYPICAL_MOLAR_MASS)
        )
    except UnknownQuantity:  # a unit of activity, say: what is usual turns over in a day at 1e8 cells/mL
        assert species.prior is not None
        rate = 0.01 * species.prior.mean
    return rate, f"{species.unit} per {CHO_PERFUSION[CHO_PERFUSION.the('cells')].unit} and day"


def _check_units(panel: Panel) -> None:
    laws = {name: CHO_PERFUSION[name].unit for name in NAMED}
    laws[panel.the("cells")] = CHO_PERFUSION[CHO_PERFUSION.the("cells")].unit
    for quantity in panel.quantities:
        unit = laws.get(quantity.name, quantity.unit)
        if quantity.unit != unit:
            raise ConfigError(
                f"{panel.name}: {quantity.name} is declared in {quantity.unit}, expected {unit}: the constants of its "
                f"rate law are in that unit. Declare it in {unit} (files may have any unit that converts), or give it "
                "another name: then its rates are learnt."
            )
