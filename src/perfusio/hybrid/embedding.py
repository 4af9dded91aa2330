"""Old name of `perfusio.hybrid.clones.embedding`; it stays."""

from perfusio.hybrid.clones.embedding import (
    BETWEEN_LINES as BETWEEN_LINES,
)
from perfusio.hybrid.clones.embedding import (
    LEAST_FREEDOM as LEAST_FREEDOM,
)
from perfusio.hybrid.clones.embedding import (
    MOST_DIMENSIONS as MOST_DIMENSIONS,
)
from perfusio.hybrid.clones.embedding import (
    WIDEST as WIDEST,
)
from perfusio.hybrid.clones.embedding import (
    CloneRegistry as CloneRegistry,
)
from perfusio.hybrid.clones.embedding import (
    coordinates as coordinates,
)
