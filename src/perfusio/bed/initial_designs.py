"""Old name of `perfusio.bed.campaigns.initial_designs`; it stays."""

from perfusio.bed.campaigns.initial_designs import (
    DesignKind as DesignKind,
)
from perfusio.bed.campaigns.initial_designs import (
    InitialDesign as InitialDesign,
)
from perfusio.bed.campaigns.initial_designs import (
    PlannedRun as PlannedRun,
)
from perfusio.bed.campaigns.initial_designs import (
    box_behnken as box_behnken,
)
from perfusio.bed.campaigns.initial_designs import (
    central_composite as central_composite,
)
from perfusio.bed.campaigns.initial_designs import (
    latin_hypercube as latin_hypercube,
)
from perfusio.bed.campaigns.initial_designs import (
    plan as plan,
)
from perfusio.bed.campaigns.initial_designs import (
    sobol as sobol,
)
from perfusio.bed.campaigns.initial_designs import (
    usable as usable,
)
