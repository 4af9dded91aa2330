"""Old name of `perfusio.connectors.opc_ua.security`; it stays."""

from perfusio.connectors.opc_ua.security import PASSWORD_VARIABLE, Certificates, Login, Untrusted, login

__all__ = ["PASSWORD_VARIABLE", "Certificates", "Login", "Untrusted", "login"]
