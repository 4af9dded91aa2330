"""Old name of `perfusio.hybrid.clones.transfer`; it stays."""

from perfusio.hybrid.clones.transfer import (
    CLEARLY as CLEARLY,
)
from perfusio.hybrid.clones.transfer import (
    FROM_SHARE as FROM_SHARE,
)
from perfusio.hybrid.clones.transfer import (
    MOST_FOLDS as MOST_FOLDS,
)
from perfusio.hybrid.clones.transfer import (
    Adaptation as Adaptation,
)
from perfusio.hybrid.clones.transfer import (
    adapt as adapt,
)
from perfusio.hybrid.clones.transfer import (
    forecast_error as forecast_error,
)
from perfusio.hybrid.clones.transfer import (
    harms as harms,
)
from perfusio.hybrid.clones.transfer import (
    model_for as model_for,
)
