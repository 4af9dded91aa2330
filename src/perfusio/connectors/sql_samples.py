"""Old name of `perfusio.connectors.database.samples`; it stays."""

from perfusio.connectors.database.samples import (
    BATCH as BATCH,
)
from perfusio.connectors.database.samples import (
    SqlSample as SqlSample,
)
from perfusio.connectors.database.samples import (
    Totals as Totals,
)
from perfusio.connectors.database.samples import (
    add_samples as add_samples,
)
from perfusio.connectors.database.samples import (
    groups_of as groups_of,
)
from perfusio.connectors.database.samples import (
    rows_of as rows_of,
)
from perfusio.connectors.database.samples import (
    totals_of as totals_of,
)
from perfusio.connectors.database.samples import (
    values_of as values_of,
)
