"""Laws true for any cell line: pure functions on arrays, shared by the plant and by the belief about it.

Inside `physics` and `plant` the time unit is the day and rates are 1/day; concentrations are in the canonical
units of `perfusio.state`. In these units specific rates need no factors: pmol/cell/day times 1e6 cells/mL is
mmol/L/day, and pg/cell/day times 1e6 cells/mL is mg/L/day.
"""
