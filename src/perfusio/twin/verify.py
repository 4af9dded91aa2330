"""Old name of `perfusio.record.verification.verify`; it stays."""

from perfusio.record.verification.verify import (
    NOT_CHECKED,
    Look,
    Problem,
    VerifyReport,
    looked_at,
    read_lines,
    read_prefix,
    read_records,
    verify,
    verify_lines,
    without_hash,
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
