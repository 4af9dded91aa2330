"""Old name of `perfusio.bed.shared_limits`; it stays."""

from perfusio.bed.shared_limits import (
    SLACK as SLACK,
)
from perfusio.bed.shared_limits import (
    SharedLimit as SharedLimit,
)
from perfusio.bed.shared_limits import (
    fair_level as fair_level,
)
from perfusio.bed.shared_limits import (
    narrowed as narrowed,
)
