"""The process.toml to start from, `perfusio process new`: it is valid, and so are its commented lines."""

TEMPLATE = """\
# What perfusio has to know of your process. Everything that you leave out is as in the base.
# Look at it: perfusio process show FILE. Ask what a model cannot say of it: perfusio process check FILE.
# A line that begins with # and no blank is an example: take the # away.

name = "CHO cells, our medium"
base = "CHO cells in perfusion"     # or "none": then all species and setpoints are declared here

# What your rig does not have, or nobody measures: species and setpoints by name.
#without = ["pyruvate", "pyruvate_feed"]

# Flows in mL/h, mL/day and L/day are understood if the volume is known. Samples take broth, too.
#working_volume = "250 mL"
#sampling_flow = "4 mL/day"

# What flows in with the perfusion, with units; what is not named is not in it. These numbers are an assumption:
# put in yours. A setpoint of the role inlet_concentration (pyruvate_feed) says that of its species.
[medium]
glucose = "5 g/L"
glutamine = "6 mmol/L"

# Further media, which runs of a history name in their column `medium`.
#[media.lean]
#glucose = "2.5 g/L"
#glutamine = "2 mmol/L"

# A species more. Roles: solute, product; size and signal are measured and not forecast; the base has cells and
# viability. Without a rate law of its own its specific rate is unknown, and learnt.
#[species.asparagine]
#unit = "mmol/L"
#role = "solute"
#molar_mass = 132.12              # so that g/L is understood
#aliases = ["Asn", "L-asparagine"]  # as your files call it
#short = "Asn"                    # column of narrow tables; without it there is none
#prior = { mean = 6.0, sd = 0.8 }   # what you expect; sd is of the logarithm

# A setpoint more. Roles: perfusion, bleed, feed_rate, held_concentration and inlet_concentration (of a species),
# condition (acts on the cells: learnt from runs in which it differs). `allowed` is what may ever be written.
#[setpoints.ph]
#unit = "-"
#role = "condition"
#label = "pH"
#low = 6.0                        # what is possible at all
#high = 8.0
#allowed = { low = 6.8, high = 7.2, nominal = 7.0, max_step = 0.1 }

# Another range of a setpoint of the base: give all four.
[setpoints.temperature.allowed]
low = 35.0
high = 37.5
nominal = 36.5
max_step = 1.0

# The concentrate and the pump by which glucose is held.
[setpoints.glucose_setpoint]
composition = { glucose = "400 g/L" }
max_flow = 0.04                     # 1/day

# Limits that decisions keep, instead of those of the base (perfusio process show).
#[[limits]]
#quantity = "viability"
#low = 90.0
#probability = 0.98
"""
