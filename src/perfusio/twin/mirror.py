"""Old name of `perfusio.record.mirror`; it stays."""

from perfusio.record.mirror import (
    BATCH as BATCH,
)
from perfusio.record.mirror import (
    CLOSING_S as CLOSING_S,
)
from perfusio.record.mirror import (
    Mirror as Mirror,
)
from perfusio.record.mirror import (
    RecordIndex as RecordIndex,
)
from perfusio.record.mirror import (
    T as T,
)
from perfusio.record.mirror import (
    copy_record as copy_record,
)
