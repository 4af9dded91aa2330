"""From an endpoint to a link: ask for the server's offer, check whom we talk to, encrypt, log in.

The order keeps a session and a password from a server that only pretends: nothing of ours is sent before its
certificate was found to be trusted, and later messages can be read only by the owner of that certificate's key.
"""

from __future__ import annotations

import asyncio

from asyncua import Client, ua
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from perfusio.connectors.opc_ua.access import Access
from perfusio.connectors.opc_ua.certificates import read_certificate
from perfusio.connectors.opc_ua.link import Link, OldSession, abort
from perfusio.connectors.opc_ua.security import Login
from perfusio.connectors.opc_ua.values import reason
from perfusio.errors import ConfigError, NotConnected

POLICIES = (
    security_policies.SecurityPolicyBasic256Sha256,
    security_policies.SecurityPolicyAes256Sha256RsaPss,
)
"""Accepted policies, in order of preference; always with Sign&Encrypt."""


async def offered(access: Access) -> list[ua.EndpointDescription]:
    """Ask a server for its offer, without giving it anything.

    Raises:
        NotConnected: it does not answer.
    """
    client = Client(access.endpoint, timeout=access.timing.request)
    try:
        return await asyncio.wait_for(client.connect_and_get_server_endpoints(), 2 * access.timing.request)
    except Exception as error:
        raise NotConnected(
            f"{access.endpoint}: {reason(error, access.timing.request)}. Expected an OPC UA server. Check the address, "
            "that the server runs, and the firewall between.",
            connector=access.endpoint,
            operation="connect",
        ) from error
    finally:
        abort(client)


async def connect(access: Access, old: OldSession | None = None) -> Link:
    """Connect to a server that is trusted, and open a session.

    Args:
        access: Settings of the connection.
        old: A session of ours that may still be open in the server; it is closed first.

    Raises:
        NotConnected: the server cannot be reached, or refuses us.
        Untrusted: its certificate is not trusted; it got nothing from us.
        ConfigError: it offers no encryption, and that was not allowed.
    """
    endpoint = _best(await offered(access), access)
    client = Client(access.endpoint, timeout=access.timing.request)
    client.session_timeout = round(1000 * access.timing.session)
    is_secure = endpoint.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
    shown = False
    try:
        async with asyncio.timeout(4 * access.timing.request):
            if is_secure:
                await _secure(client, endpoint, access)
            await client.connect_socket()
            await client.send_hello()
            shown = is_secure
            await client.open_secure_channel()
            shown = False
            is_fenced = await _close_old(client, endpoint, access.login, old)
            await client.create_session()
            await _activate(client, access.login)
    except Exception as error:
        abort(client)
        if isinstance(error, NotConnected | ConfigError):
            raise
        raise NotConnected(
            f"{access.endpoint}: no session: {reason(error, access.timing.request)}."
            f"{_hint(error, access, shown=shown)}",
            connector=access.endpoint,
            operation="connect",
        ) from error
    except BaseException:
        abort(client)
        raise
    return Link(access, client, is_secure=is_secure, is_fenced=is_fenced)


def _best(endpoints: list[ua.EndpointDescription], access: Access) -> ua.EndpointDescription:
    for policy in POLICIES:
        for found in endpoints:
            if found.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt and found.SecurityPolicyUri == policy.URI:
                return found
    wanted = "Sign&Encrypt with Basic256Sha256 or Aes256_Sha256_RsaPss"
    kinds = sorted({f"{e.SecurityMode.name.rstrip('_')} {e.SecurityPolicyUri.rpartition('#')[2]}" for e in endpoints})
    found = f"{access.endpoint} offers {', '.join(kinds) or 'no endpoint'}; expected {wanted}."
    plain = [e for e in endpoints if e.SecurityMode == ua.MessageSecurityMode.None_]
    if not access.allow_insecure or not plain:
        raise ConfigError(
            f"{found} Switch encryption on in the server. Only for a test on a closed network, accept the open "
            "connection, which anybody there can read and change: allow_insecure=True, or --insecure."
        )
    if access.login is not None:
        raise ConfigError(
            f"{found} A password is never sent over an open connection: leave the user away, or switch encryption on."
        )
    return plain[0]


async def shown_certificate(access: Access) -> x509.Certificate:
    """Return the certificate that a server shows, trusted or not; nothing of ours is sent.

    Raises:
        NotConnected: it does not answer, or shows none.
    """
    for endpoint in await offered(access):
        if endpoint.ServerCertificate:
            return _certificate(endpoint, access)
    raise NotConnected(
        f"{access.endpoint} shows no certificate, so no encryption. Expected Sign&Encrypt; switch it on there.",
        connector=access.endpoint,
        operation="connect",
    )


def _certificate(endpoint: ua.EndpointDescription, access: Access) -> x509.Certificate:
    try:
        return read_certificate(endpoint.ServerCertificate or b"")
    except ValueError as error:
        raise NotConnected(
            f"{access.endpoint}: the server shows no readable certificate ({error}). Expected X.509; renew it there.",
            connector=access.endpoint,
            operation="connect",
        ) from error


async def _secure(client: Client, endpoint: ua.EndpointDescription, access: Access) -> None:
    """Check whom we talk to, before anything of ours is sent, and encrypt for that one only."""
    shown = _certificate(endpoint, access)
    uri = endpoint.Server.ApplicationUri or ""
    access.certificates.check(shown, endpoint=access.endpoint, host=access.host, uri=uri)
    own, key = access.certificates.own()
    client.application_uri = access.certificates.uri
    policy = next(p for p in POLICIES if endpoint.SecurityPolicyUri == p.URI)
    await client.set_security(
        policy,
        certificate=own.public_bytes(Encoding.DER),
        private_key=uacrypto.CertProperties(key, "pem"),
        server_certificate=shown.public_bytes(Encoding.DER),
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )


async def _activate(client: Client, login: Login | None) -> None:
    await client.activate_session(*((login.user, login.password) if login is not None else ()))


async def _close_old(
    client: Client, endpoint: ua.EndpointDescription, login: Login | None, old: OldSession | None
) -> bool:
    """Take an old session over to this channel (Part 4, 6.7) and close it; return whether it is surely closed."""
    if old is None or old.token.is_null():
        return True
    client.uaclient.session.restore_authentication_token(old.token)
    client._server_nonce, client._policy_ids = old.nonce, endpoint.UserIdentityTokens
    try:
        await _activate(client, login)
        await client.uaclient.close_session(True)
        is_closed = True
    except (ua.uaerrors.BadSessionIdInvalid, ua.uaerrors.BadSessionClosed):
        is_closed = True  # the server has forgotten it
    except ua.UaStatusCodeError:
        is_closed = False  # it will end by its own timeout
    client.uaclient.session.reset_authentication_token()
    client._server_nonce = None
    return is_closed


_DISTRUST = (
    "BadSecurityChecksFailed", "BadCertificateUntrusted", "BadCertificateInvalid", "BadCertificateUseNotAllowed",
    "BadCertificateUriInvalid", "BadCertificateTimeInvalid", "BadCertificateRevoked", "BadCertificateChainIncomplete",
)  # fmt: skip
"""Status codes by which a server says that it refuses our certificate; most say the first, whatever the reason."""


def _hint(error: BaseException, access: Access, *, shown: bool) -> str:
    """Return the remedy of a refusal.

    Args:
        error: As it came.
        access: Settings of the connection.
        shown: Whether our certificate was shown and no channel came of it.
    """
    if isinstance(error, ua.uaerrors.BadUserAccessDenied | ua.uaerrors.BadIdentityTokenRejected):
        return " Check user and password, and that the server lets this user in."
    own = access.certificates.folder / "own" / "certificate.der"
    is_status = isinstance(error, ua.UaStatusCodeError)
    if (is_status and ua.StatusCode(getattr(error, "code", 0)).name in _DISTRUST) or (
        shown and not is_status and not isinstance(error, TimeoutError)
    ):
        return (
            f" The server does not trust us: it refused our certificate. Have it trust {own} (its administrator moves "
            "it from the rejected to the trusted ones), and try again."
        )
    if is_status:
        return f" If the server does not trust us yet, have it trust {own}."
    return " Check that the server runs; if it does not trust us yet, have it trust our certificate."
