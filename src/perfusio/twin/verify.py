"""Old name of `perfusio.record.verification.verify`; it stays."""

from perfusio.record.verification.verify import (
    NOT_CHECKED as NOT_CHECKED,
)
from perfusio.record.verification.verify import (
    Look as Look,
)
from perfusio.record.verification.verify import (
    Problem as Problem,
)
from perfusio.record.verification.verify import (
    VerifyReport as VerifyReport,
)
from perfusio.record.verification.verify import (
    looked_at as looked_at,
)
from perfusio.record.verification.verify import (
    read_lines as read_lines,
)
from perfusio.record.verification.verify import (
    read_prefix as read_prefix,
)
from perfusio.record.verification.verify import (
    read_records as read_records,
)
from perfusio.record.verification.verify import (
    verify as verify,
)
from perfusio.record.verification.verify import (
    verify_lines as verify_lines,
)
from perfusio.record.verification.verify import (
    without_hash as without_hash,
)
