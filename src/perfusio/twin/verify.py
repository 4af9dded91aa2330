"""Old name of `perfusio.record.verification.verify`; it stays."""

from perfusio.record.verification.chain import Look, looked_at, without_hash
from perfusio.record.verification.verify import (
    NOT_CHECKED,
    Problem,
    VerifyReport,
    read_lines,
    read_prefix,
    read_records,
    verify,
    verify_lines,
)

__all__ = [
    "NOT_CHECKED",
    "Look",
    "Problem",
    "VerifyReport",
    "looked_at",
    "read_lines",
    "read_prefix",
    "read_records",
    "verify",
    "verify_lines",
    "without_hash",
]
