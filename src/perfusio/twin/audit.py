"""Old name of `perfusio.record.audit_logger`; it stays."""

from perfusio.record.audit_logger import LARGEST_CLOCK_STEP_S, AuditLogger, new_run_id

__all__ = ["LARGEST_CLOCK_STEP_S", "AuditLogger", "new_run_id"]
