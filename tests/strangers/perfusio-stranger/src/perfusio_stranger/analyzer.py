"""Files of the bench analyzer: five lines about the instrument, then a table whose header is in its own words."""

from perfusio.tables.instruments.given import Reading

MEANINGS = {
    "HOURS": "time [h]", "VIABLE": "vcd [1e6 cells/mL]", "ALIVE": "viability [%]", "GLC": "glucose [g/L]",
    "IGG": "titer [mg/L]", "TANK": "reactor",
}  # fmt: skip


def read(rows):
    """Return the table of such a file, None if it is another one."""
    if not rows or rows[0][0].strip() != "BENCH ANALYZER":
        return None
    header = next(i for i, row in enumerate(rows) if row[0].strip() == "HOURS")
    width = len(rows[header])
    body = [(i, row) for i, row in enumerate(rows) if i >= header and len(row) == width]
    return Reading(rows=[row for _, row in body], lines=[i for i, _ in body], columns=MEANINGS)
