"""Gaps of the rate laws for the quantities of a process, in words; pure.

They are written by hand for the species and conditions of the default panel. Whatever else a process declares is
balanced and learnt, but nothing is known of it beforehand, and a person has to hear that before a run.
"""

from __future__ import annotations

from perfusio.kinetics.parameters import MADE_FROM, generic_production
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel


def without_law(panel: Panel) -> tuple[str, ...]:
    """Return the modelled species of which no rate law is known, in order."""
    return tuple(s.name for s in panel.modelled if s.role in ("solute", "product") and not _is_known(panel, s.name))


def without_precursor(panel: Panel) -> tuple[str, ...]:
    """Return the by-products with a law whose precursor the process lacks, in order."""
    known = (set(panel.species_names) - set(without_law(panel))) & set(MADE_FROM)
    return tuple(name for name in panel.species_names if name in known and generic_production(panel, name))


def learnt_only(panel: Panel) -> tuple[str, ...]:
    """Return the conditions of which no rate law knows, in order: their effect is learnt from data, or not at all."""
    return tuple(name for name in panel.of_role("condition") if not _is_known(panel, name))


def without_bounds(panel: Panel) -> tuple[str, ...]:
    """Return the setpoints without allowed bounds in the process, in order."""
    return tuple(s.name for s in panel.setpoints if s.allowed is None)


def unsaid(panel: Panel) -> tuple[str, ...]:
    """Return the gaps of a model of this process, a sentence each; none for the default panel.

    Args:
        panel: The process.
    """
    said = []
    if names := without_law(panel):
        many = len(names) > 1
        said.append(
            f"No rate law is known for {_listed(names)}: {'specific rates are' if many else 'the specific rate is'} "
            "unknown, with a wide prior, and learnt from samples: early forecasts are wide."
        )
    for name in without_precursor(panel):
        source = MADE_FROM[name]
        said.append(f"{name} is made from {source}, which is not in the process: how much is learnt from samples.")
    if names := learnt_only(panel):
        said.append(
            f"What {_listed(names)} {'do' if len(names) > 1 else 'does'} to the cells is learnt from runs in which "
            f"{'they differ' if len(names) > 1 else 'it differs'}; before that, "
            f"{'they are left where they are' if len(names) > 1 else 'it is left where it is'}."
        )
    twins = {s.measured_name for s in panel.setpoints}  # of what is asked, which is forecast
    unbalanced = [s for s in panel.species if not (s.is_modelled or s.measures or s.name in twins)]
    if names := tuple(s.name for s in unbalanced if not _is_known(panel, s.name)):
        said.append(f"No balance is known for {_listed(names)}: measured, not forecast.")
    if names := without_bounds(panel):
        said.append(
            f"What may be written to {_listed(names)} is not declared: give bounds in the design space before a run."
        )
    return (*said, *_absent(panel))


def assumed(panel: Panel) -> tuple[str, ...]:
    """Return the assumptions made because the process does not say, a sentence each.

    Args:
        panel: The process.
    """
    said = []
    if panel.balance == "perfusion":
        asked = {s.of for s in panel.setpoints if s.role == "inlet_concentration"}
        absent = [s.name for s in panel.modelled if s.role == "solute" and s.name not in {*panel.medium, *asked}]
        if panel.medium == CHO_PERFUSION.medium:
            said.append("The medium is the one that perfusio assumes: with another one forecasts are off.")
        if absent:
            said.append(f"Not in the medium, so none flows in: {', '.join(absent)}.")
    for feed in (s for s in panel.setpoints if s.role == "feed_rate" and not s.composition):
        said.append(f"{feed.name} has no composition, so it is water: give [setpoints.{feed.name}.composition].")
    if panel.equipment.volume_ml is None:
        said.append("The working volume is not declared: flows in mL/h or L/day cannot be read.")
    return tuple(said)


def _absent(panel: Panel) -> tuple[str, ...]:
    """Return the quantities that usual laws lack in this process."""
    said = []
    if not panel.of_role("viability"):
        said.append("Without viability dead cells are not tracked, and no limit protects the culture from dying.")
    if panel.balance == "perfusion" and not panel.of_role("bleed"):
        said.append("Without a bleed cells leave with the samples only: their density cannot be held by removing them.")
    if panel.balance != "perfusion":
        how = "feeds and what samples take" if panel.balance == "fed_batch" else "what samples take"
        said.append(f"Without perfusion nothing is held constant: the volume follows {how}.")
    absent = [
        s.name for s in CHO_PERFUSION.modelled if s.role == "solute" and s.alarm and s.name not in panel.species_names
    ]
    if absent:
        said.append(f"Not in the process, so neither limiting nor inhibiting: {', '.join(absent)}.")
    return tuple(said)


def _is_known(panel: Panel, name: str) -> bool:
    known = CHO_PERFUSION.by_name.get(name)
    return known is not None and known.role == panel[name].role


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
