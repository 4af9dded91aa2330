"""CHO cells in perfusion, ambr 250 and the like: the panel that perfusio comes with. Data, and nothing else.

Every number stands here once; concentrations are in the unit of their line. "Process facts" are the project's notes on
published cultures; where no source is named, a number is engineering judgement.
"""

from __future__ import annotations

from perfusio.process.facts import (
    Alarm,
    Allowed,
    Analyzer,
    Fall,
    Limit,
    Noise,
    PerCell,
    Prior,
    Rise,
    Unexplained,
    UsualColumn,
)  # fmt: skip
from perfusio.process.medium import Equipment, Medium
from perfusio.process.panel import Panel, interned
from perfusio.process.species import Setpoint, Species

GLUCOSE, LACTATE, AMMONIUM, PYRUVATE = 180.16, 90.08, 18.04, 87.06  # g/mol; those of other species stand in one line
AMMONIA, PYRUVIC_ACID = 17.03, 88.06  # what a sheet or an assay names: NH3B reports 0.278 mmol/L as 4.734 mg/L
SUGAR_UNITS = ("mmol/L", "mg/dL", "mg/L")
SOLUTE_UNITS = ("mg/L", "umol/L", "mg/dL", "g/L")

# Noise that the model expects: process facts 3.6; viability is additive, in points. Analyzers: metabolites 5 to 7 %.
# Noise floors lie where the analyzer sees noise and the logarithm would see minus infinity. Usual columns are wide:
# they are meant to catch a factor of 5.55 (mmol/L read as g/L) or more, never a lean culture. Falls are several times
# what the fastest cells take up; lysis of 3 per day is the fastest that fits published viabilities (foreign plants).
SPECIES = (
    Species(
        "vcd", unit="1e6 cells/mL", role="cells", label="Viable cell density", low=0, high=400, short="VCD",
        vague=("V",),
        aliases=("viable cell density", "viable cells", "viable cell conc.", "viable density", "Xv", "VCC",
                 "viable cell count", "Lebendzelldichte", "Lebendzellzahl", "Lebendzellkonzentration"),
        analyzer=Analyzer(cv=0.05),  # Cedex about 5 % (PubMed 20185335)
        noise=Noise(relative=0.05, absolute=0.02, floor=0.05),
        prior=Prior(mean=3.0, sd=1.0),
        unexplained=Unexplained(
            drift_sd=0.08, drift_walk=0.03, white_sd=0.010, usual=0.10, limit=0.35, clear_change=0.5),
        rise=Rise(factor=8.0),  # a doubling in 8 hours, twice as fast as the fastest cells in culture
        fall=Fall(rate=3.0),
        usual=UsualColumn(low=0.01, high=400.0, other_units=("cells/mL", "1e5 cells/mL")),
        mistaken_units=(("1e12 cells/mL", 1e-6), ("cells/mL", 1e6)),
    ),
    Species(
        "viability", unit="%", role="viability", label="Viability", low=0, high=100, short="viab.",
        vague=("V",),
        aliases=("via", "viab", "cell viability", "Viabilität", "Vitalität"),
        analyzer=Analyzer(sd=1.0),
        noise=Noise(relative=0.0, absolute=1.2, floor=0.0),
        prior=Prior(mean=97.0, sd=0.12, settled=97.0),
        unexplained=Unexplained(
            drift_sd=0.012, drift_walk=0.003, white_sd=0.004, usual=0.01, limit=0.2, clear_change=0.3),
        rise=Rise(free=40.0),  # dead cells leave only with bleed and lysis
        alarm=Alarm(
            warn=97.0, act=95.0,
            response="Check the vessel and the count; lower stress: temperature, bleed, feed.",
            consequence="The culture dies, and lysed cells spoil the product."),
    ),
    Species(
        "glucose", unit="g/L", role="solute", label="Glucose", low=0, high=60, short="glucose",
        vague=("Glu", "G"),
        aliases=("glc", "gluc", "Glukose"), molar_mass=GLUCOSE,
        analyzer=Analyzer(cv=0.05, detection_limit=0.05),
        noise=Noise(relative=0.06, absolute=0.02, floor=0.1),
        prior=Prior(mean=4.0, sd=0.5, settled=4.0),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.05, usual=0.30, limit=0.6, clear_change=0.5),
        fall=Fall(per_cell=3.0),
        usual=UsualColumn(low=0.01, high=12.0, other_units=SUGAR_UNITS),
        mistaken_units=(("mmol/L", 1000.0 / GLUCOSE), ("mg/dL", 100.0)),
        alarm=Alarm(
            warn=1.0, act=0.3,
            response="Check the glucose feed; raise perfusion or the glucose setpoint.",
            consequence="Cells starve within hours."),
    ),
    Species(
        "glutamine", unit="mmol/L", role="solute", label="Glutamine", low=0, high=60,
        vague=("G",),
        aliases=("gln", "Glutamin"), molar_mass=146.14,
        analyzer=Analyzer(cv=0.06, detection_limit=0.1),
        noise=Noise(relative=0.06, absolute=0.02, floor=0.2),
        prior=Prior(mean=4.0, sd=0.6, settled=2.0),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.05, usual=0.15, limit=0.6, clear_change=0.5),
        fall=Fall(rate=0.5, per_cell=5.0),  # it decays in warm medium
        usual=UsualColumn(low=0.01, high=25.0, other_units=SOLUTE_UNITS),
    ),
    Species(
        "glutamate", unit="mmol/L", role="solute", label="Glutamate", low=0, high=60,
        vague=("Glu", "G"),
        aliases=("glutamic acid", "Glutamat"), molar_mass=147.13,
        analyzer=Analyzer(cv=0.06, detection_limit=0.1),
        noise=Noise(relative=0.06, absolute=0.02, floor=0.1),
        prior=Prior(mean=0.5, sd=0.8, settled=1.5),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.05, usual=0.15, limit=0.6, clear_change=0.5),
        usual=UsualColumn(low=0.01, high=25.0, other_units=SOLUTE_UNITS),
    ),
    Species(
        "lactate", unit="mmol/L", role="solute", label="Lactate", low=0, high=200, short="lactate",
        vague=("L",),
        aliases=("lac", "lactic acid", "Laktat"), molar_mass=LACTATE,
        analyzer=Analyzer(cv=0.05, detection_limit=0.2),
        noise=Noise(relative=0.06, absolute=0.05, floor=0.3),
        prior=Prior(mean=3.0, sd=0.8, settled=10.0),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.04, usual=0.15, limit=0.6, clear_change=0.5),
        rise=Rise(free=10.0, per_cell=10.0),  # several times what the best producers reach; a new medium or a feed
        fall=Fall(per_cell=5.0),
        usual=UsualColumn(low=0.01, high=120.0, other_units=SOLUTE_UNITS),
        per_cell=PerCell(most=60.0, least=0.4, least_level=5.0),  # producers make 1 to 15 pmol per cell and day
        mistaken_units=(("mg/L", LACTATE), ("mg/dL", LACTATE / 10.0)),
        alarm=Alarm(
            warn=25.0, act=40.0,
            response="Check pH control and aeration; lower the glucose setpoint.",
            consequence="Base is fed, osmolality rises, growth stops."),
    ),
    Species(
        "ammonium", unit="mmol/L", role="solute", label="Ammonium", low=0, high=60,
        aliases=("amm", "ammonia", "NH4", "NH4+", "NH3"), molar_mass=AMMONIUM,
        molar_masses=(("NH3", AMMONIA), ("ammonia", AMMONIA)),
        analyzer=Analyzer(cv=0.06, detection_limit=0.1),
        noise=Noise(relative=0.06, absolute=0.03, floor=0.2),
        prior=Prior(mean=1.0, sd=0.8, settled=3.0),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.04, usual=0.15, limit=0.6, clear_change=0.5),
        rise=Rise(free=5.0, per_cell=3.0),
        fall=Fall(rate=0.5, per_cell=1.0),  # some is stripped with the gas
        usual=UsualColumn(low=0.01, high=25.0, other_units=SOLUTE_UNITS),
        per_cell=PerCell(most=15.0),
        mistaken_units=(("mg/L", AMMONIUM),),
        alarm=Alarm(
            warn=8.0, act=12.0,
            response="Raise perfusion or lower the cell density.",
            consequence="Growth and glycosylation suffer."),
    ),
    Species(
        "pyruvate", unit="mmol/L", role="solute", label="Pyruvate", low=0, high=60,
        vague=("P",),
        aliases=("pyr", "pyruvic acid", "Pyruvat"), molar_mass=PYRUVATE,
        molar_masses=(("pyruvic acid", PYRUVIC_ACID),),
        analyzer=Analyzer(cv=0.07, detection_limit=0.05),
        noise=Noise(relative=0.06, absolute=0.01, floor=0.05),
        prior=Prior(mean=0.7, sd=0.8, settled=0.5),
        unexplained=Unexplained(
            drift_sd=0.10, drift_walk=0.04, white_sd=0.05, usual=0.15, limit=0.6, clear_change=0.5),
        usual=UsualColumn(low=0.01, high=25.0, other_units=SOLUTE_UNITS),
    ),
    Species(
        "titer", unit="mg/L", role="product", label="Titer", low=0, high=30000, short="titer",
        vague=("T", "P"),
        aliases=("titre", "IgG", "mAb", "product", "antibody", "product titer"),
        analyzer=Analyzer(cv=0.06, detection_limit=10.0),  # 5 to 8 %
        noise=Noise(relative=0.06, absolute=2.0, floor=5.0),
        prior=Prior(mean=20.0, sd=1.5, settled=300.0),
        unexplained=Unexplained(
            drift_sd=0.06, drift_walk=0.02, white_sd=0.02, usual=0.08, limit=0.5, clear_change=0.7),
        rise=Rise(free=200.0, per_cell=200.0),
        fall=Fall(rate=0.1),  # nothing takes it up; some antibodies degrade
        per_cell=PerCell(most=150.0),  # the best cells make about 100 pg a day
        mistaken_units=(("g/L", 1e-3),),
    ),
    Species(
        "diameter", unit="um", role="size", label="Cell diameter", low=1, high=40,
        vague=("D",),
        aliases=("cell diameter", "average diameter", "avg. diameter", "avg. live diameter", "mean diameter",
                 "Zelldurchmesser"),
        analyzer=Analyzer(cv=0.015),
        usual=UsualColumn(low=5.0, high=100.0, other_units=("nm",)),
    ),
)  # fmt: skip

SETPOINTS = (
    Setpoint(
        "perfusion_rate", unit="1/day", role="perfusion", label="Perfusion rate", low=0, high=20, short="perf.",
        vague=("P", "D"),
        aliases=("perfusion", "VVD", "perfusion rate (VVD)", "D", "Perfusionsrate"),
        allowed=Allowed(low=0.5, high=2.0, nominal=1.0, max_step=0.3), clear_change=0.3,
        usual=UsualColumn(low=0.1, high=20.0, other_units=("1/h",)),
        per_cell=PerCell(most=0.4, least=0.01),  # 10 to 400 pL per cell and day; dense cultures keep 15 to 50
    ),
    Setpoint(
        "bleed_rate", unit="1/day", role="bleed", label="Bleed rate", low=0, high=10, short="bleed",
        aliases=("bleed", "cell bleed", "Bleedrate"),
        allowed=Allowed(low=0.05, high=0.30, nominal=0.15, max_step=0.1), clear_change=0.05,
    ),
    Setpoint(
        "glucose_setpoint", unit="g/L", role="held_concentration", of="glucose", label="Glucose setpoint",
        low=0, high=60, short="glucose", aliases=("glucose sp", "glc setpoint", "glc sp"), molar_mass=GLUCOSE,
        allowed=Allowed(low=2.0, high=8.0, nominal=4.0, max_step=1.5), clear_change=1.5,
        composition=Medium(glucose=400.0), max_flow=0.04, control_width=0.1,  # a usual concentrate and its pump
        usual=UsualColumn(low=0.01, high=12.0, other_units=SUGAR_UNITS),
    ),
    Setpoint(
        "temperature", unit="°C", role="condition", label="Temperature", low=15, high=45, short="temp.",
        vague=("T",),
        aliases=("temp", "T setpoint", "temperature setpoint", "Temperatur"),
        measured=False,
        allowed=Allowed(low=35.0, high=37.5, nominal=36.5, max_step=1.0), clear_change=0.7,
    ),
    Setpoint(
        "agitation", unit="rpm", role="condition", label="Agitation", low=0, high=3000, short="agit.",
        aliases=("stirrer speed", "stir speed", "stirring", "Rührerdrehzahl", "Drehzahl"), measured=False,
        allowed=Allowed(low=700.0, high=1050.0, nominal=850.0, max_step=100.0), clear_change=100.0,
        usual=UsualColumn(low=20.0, high=3000.0, other_units=("1/s",)),
    ),
    Setpoint(
        "pyruvate_feed", unit="mmol/L", role="inlet_concentration", of="pyruvate", label="Pyruvate feed",
        low=0, high=60, short="pyruv.", aliases=("pyr feed",), molar_mass=PYRUVATE,
        allowed=Allowed(low=0.0, high=5.0, nominal=1.0, max_step=1.5), clear_change=1.5,
        usual=UsualColumn(low=0.01, high=25.0, other_units=SOLUTE_UNITS),
    ),
)  # fmt: skip

CHO_PERFUSION = interned(Panel(
    name="CHO cells in perfusion",
    species=SPECIES,
    setpoints=SETPOINTS,
    clear_days=7.0,
    critical=("vcd", "viability", "glucose"),
    alarmed=("viability", "glucose", "ammonium", "lactate"),
    limits=(
        Limit(quantity="viability", low=95.0, probability=0.98),
        Limit(quantity="glucose", low=0.3, probability=0.98),
        Limit(quantity="ammonium", high=10.0, probability=0.95),
        Limit(quantity="cspr", low=15.0, probability=0.95),
    ),
    # An assumption, not a fact: a lab declares its own medium. Sampling: 3 mL a day from 200 mL (process facts, 3.6).
    medium=Medium(glucose=5.0, glutamine=6.0),
    equipment=Equipment(sampling_flow=0.015),
))  # fmt: skip
