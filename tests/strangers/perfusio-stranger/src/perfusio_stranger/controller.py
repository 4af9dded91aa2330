"""A controller for studies and PerfusionBench."""


def bleed_more(history, in_force, task):
    """Bleed more while there are more cells than asked for."""
    if history.states[-1].vcd > task.target:
        return {"bleed_rate": in_force.bleed_rate + 0.02}
    return {}
