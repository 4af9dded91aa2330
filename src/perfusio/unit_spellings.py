"""How people write units: a small grammar of densities of cells, concentrations and powers of ten. Pure.

`quantities.py` holds the units of a rate, a temperature or a length as a table; units built of a prefix, a substance
and a volume has too many spellings for one (``10⁶ cells/mL``, ``x10^6 vc/mL``, ``Mio/mL``, ``g·L⁻¹``) and is parsed.
"""

from __future__ import annotations

import re
import unicodedata

MASS, AMOUNT = "mass", "amount"
_SUPERSCRIPTS = {ord(c): f"^{d}" for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)} | {ord("⁻"): "^-"}
_ALIKE = str.maketrans({"μ": "u", "×": "x", "−": "-", "·": "", "⋅": "", "∙": "", "÷": "/", "∕": "/", "⁄": "/"})
_WORDS = (
    (r"(?:liters?|litres?)", "l"), (r"(?:milligrams?)", "mg"), (r"(?:grams?)", "g"), (r"(?:millimoles?)", "mmol"),
    (r"moles?(?=/|per)", "mol"), (r"(?:millimolar)", "mm"),
)  # fmt: skip
_PREFIX = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "d": 0.1, "c": 1e-2}
_PER_VOLUME = r"(?:(?:/|per)(?P<a>[mudc]?)l|(?P<b>[mudc]?)l\^?-1)"
_volume = re.compile(_PER_VOLUME).search
_cells = re.compile(r"viable|living|total|live|vcd|cells?|vcs?|zellen|count").sub
_power = re.compile(
    r"(?P<e>1(?:\.0)?e\+?0?(?P<n>\d{1,2}))|(?P<p>10\^(?P<o>\d{1,2}))|(?P<lost>10(?P<q>[5679]))|(?P<bare>e\+?0?(?P<r>\d))"
    r"|(?P<word>mio|mill|mln|millions?|mega|m)|(?P<kilo>k|thousands?|tsd)"
).fullmatch
_ten_to = re.compile(r"x?10(?:\.0)?e\+?0?(?P<n>\d)x?").fullmatch
_mass = re.compile(r"(?P<prefix>[kmunp]?)(?P<what>mol|g)").fullmatch
_molar = re.compile(r"(?P<prefix>[mun]?)m").fullmatch


def unit_form(unit: str) -> str:
    """Return a unit in the form in which the grammar reads it: superscripts are powers, looks do not count."""
    raised = re.sub(r"\^-\^", "^-", unit.translate(_SUPERSCRIPTS))
    raised = re.sub(r"(\^\d)\^(?=\d)", r"\1", raised)
    text = unicodedata.normalize("NFKC", raised).casefold().translate(_ALIKE).replace("**", "^")
    text = re.sub(r"[\s_()\[\]*]+|\.(?!\d)", "", text)
    for words, short in _WORDS:
        text = re.sub(words, short, text)
    return text


def _per_litre(form: str) -> tuple[str, float] | None:
    """Part a unit into its amount and how many of its volumes a litre holds."""
    found = _volume(form)
    if found is None:
        return None
    return form[: found.start()] + form[found.end() :], 1.0 / _PREFIX[found["a"] or found["b"] or ""]


def _counted(form: str) -> tuple[str, float] | None:
    """Return the multiplier of a density of cells, as written, and how many of its volumes a litre holds."""
    parted = _per_litre(form)
    if parted is None:
        return None
    rest = _cells("", parted[0])
    return rest.strip("x"), parted[1]


def cell_density(unit: str) -> float | None:
    """Return the factor that turns a density into 1e6 cells/mL; None if it is no such unit, or can mean two.

    >>> cell_density("x10^6 vc/mL"), cell_density("10⁵/mL"), cell_density("cells/L"), cell_density("g/L")
    (1.0, 0.1, 1e-09, None)
    """
    counted = _counted(unit_form(unit))
    if counted is None:
        return None
    power, per_litre = counted
    if not power:
        return per_litre / 1e9 if _cells("", unit_form(unit)) != unit_form(unit) or unit.strip()[:1] in "/1" else None
    if power == "1":
        return per_litre / 1e9
    found = _power(power)
    if found is None:
        return None
    if found["word"] or found["kilo"]:
        return (1e6 if found["word"] else 1e3) * per_litre / 1e9
    exponent = int(found["n"] or found["o"] or found["q"] or found["r"])
    return float(10.0 ** (exponent - 9) * per_litre)


def two_densities(unit: str) -> tuple[str, str] | None:
    """Return both readings of ``10E6 cells/mL``, which people write for 1e6 and a program for 1e7; None if it is none.

    >>> two_densities("x10E6 vc/mL")
    ('1e6 cells/mL', '1e7 cells/mL')
    """
    counted = _counted(unit_form(unit))
    found = _ten_to(counted[0]) if counted is not None else None
    if found is None or counted is None:
        return None
    n, volume = int(found["n"]), {1.0: "L", 1e3: "mL", 1e6: "uL"}.get(round(counted[1]), "mL")
    return f"1e{n} cells/{volume}", f"1e{n + 1} cells/{volume}"


def concentration(unit: str) -> tuple[str, float] | None:
    """Return MASS or AMOUNT, and the factor to g/L or mol/L; None if it is no concentration.

    >>> concentration("mg/dL"), concentration("mM"), concentration("g·L⁻¹"), concentration("ppm")
    (('mass', 0.01), ('amount', 0.001), ('mass', 1.0), ('mass', 0.001))
    """
    form = unit_form(unit)
    if form == "ppm":
        return MASS, 1e-3  # of a dilute solution in water: mg per kg, and a litre weighs one
    if found := _molar(form):
        return AMOUNT, _PREFIX[found["prefix"]]
    parted = _per_litre(form)
    found = _mass(parted[0]) if parted is not None else None
    if found is None or parted is None:
        return None
    factor = round(_PREFIX[found["prefix"]] * parted[1], 15)
    return (AMOUNT if found["what"] == "mol" else MASS), factor
