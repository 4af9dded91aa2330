"""The margin of a litre of culture and day: product sold, less medium bought."""

from perfusio.objective import objective_function


@objective_function(unit="EUR/L/day", direction="maximize")
def margin(titer, perfusion_rate, bleed_rate):
    """Return product at 2 EUR/g less medium at 0.3 EUR/L; titer in mg/L, rates in vessel volumes a day."""
    return 2e-3 * titer * (perfusion_rate - bleed_rate) - 0.3 * perfusion_rate
