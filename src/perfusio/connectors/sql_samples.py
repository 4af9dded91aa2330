"""Old name of `perfusio.connectors.database.samples`; it stays."""

from perfusio.connectors.database.samples import (
    BATCH,
    SqlSample,
    Totals,
    add_samples,
    groups_of,
    rows_of,
    totals_of,
    values_of,
)

__all__ = ["BATCH", "SqlSample", "Totals", "add_samples", "groups_of", "rows_of", "totals_of", "values_of"]
