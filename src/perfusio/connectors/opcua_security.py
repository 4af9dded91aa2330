"""Old name of `perfusio.connectors.opc_ua.security`; it stays."""

from perfusio.connectors.opc_ua.security import (
    PASSWORD_VARIABLE as PASSWORD_VARIABLE,
)
from perfusio.connectors.opc_ua.security import (
    Certificates as Certificates,
)
from perfusio.connectors.opc_ua.security import (
    Login as Login,
)
from perfusio.connectors.opc_ua.security import (
    Untrusted as Untrusted,
)
from perfusio.connectors.opc_ua.security import (
    login as login,
)
