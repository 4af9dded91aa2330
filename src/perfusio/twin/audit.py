"""Old name of `perfusio.record.audit_logger`; it stays."""

from perfusio.record.audit_logger import (
    LARGEST_CLOCK_STEP_S as LARGEST_CLOCK_STEP_S,
)
from perfusio.record.audit_logger import (
    AuditLogger as AuditLogger,
)
from perfusio.record.audit_logger import (
    new_run_id as new_run_id,
)
