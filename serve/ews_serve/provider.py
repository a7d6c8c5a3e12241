"""The district's identity provider, spoken to through Authlib: code flow with PKCE, state and nonce (A08)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]  # as above
from httpx2 import HTTPError
from joserfc.errors import JoseError

from ews.store.oidc import Flow
from ews_serve.settings import LOOPBACK

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""How an ID token may be signed: never by a secret we share, never not at all."""

CLOCKS_DIFFER_SECONDS = 600
"""W28."""

TIMEOUT_SECONDS = 10


class ProviderRefused(Exception):
    """The provider's answer does not prove who came; its words are not repeated."""


@dataclass(frozen=True)
class ProviderSettings:
    """Which provider, and as whom we speak to it.

    Attributes:
        issuer: its address, as it names itself.
        client_id: ours there.
        client_secret: ours there; empty for a public client.
        login_claim: the claim that holds the login of an account here.
        name: what people call it.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    login_claim: str = "email"
    name: str = "your district account"

    def __post_init__(self) -> None:
        address = urlsplit(self.issuer)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise ValueError("The identity provider must be asked over https: EWS_OIDC_ISSUER=https://…")
        if not self.client_id:
            raise ValueError("Name the client this service is at the identity provider: EWS_OIDC_CLIENT_ID.")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "ProviderSettings | None":
        """Settings from ``EWS_OIDC_ISSUER``, ``EWS_OIDC_CLIENT_ID`` …; None where no issuer is named.

        Raises:
            ValueError: the issuer is not asked over TLS, or no client is named.
        """
        names = ("issuer", "client_id", "client_secret", "login_claim", "name")
        told = {name: environ.get(f"EWS_OIDC_{name.upper()}", "") for name in names}
        if not told["issuer"]:
            return None
        return cls(**{name: value for name, value in told.items() if value or name == "client_id"})


class Provider:
    """One provider; what it says of itself is asked for once."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._client = OAuth().register(
            "provider",
            client_id=settings.client_id,
            client_secret=settings.client_secret or None,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile", "code_challenge_method": "S256", "timeout": TIMEOUT_SECONDS,
                "trust_env": False,
            },
        )  # fmt: skip

    async def leave(self, redirect_uri: str, next_path: str) -> tuple[str, str, Flow]:
        """Where to send the browser, the state it takes along, and what to remember until it is back.

        Raises:
            ProviderRefused: the provider does not answer, or is not the one it should be.
        """
        try:
            await self._metadata()
            made = await self._client.create_authorization_url(redirect_uri)
        except (HTTPError, AuthlibBaseError, ValueError, RuntimeError) as error:
            raise ProviderRefused from error
        return made["url"], made["state"], Flow(made["nonce"], made["code_verifier"], next_path)

    async def claims(self, code: str, flow: Flow, redirect_uri: str) -> Mapping[str, Any]:
        """What the provider vouches for: the claims of a token that is signed, ours, of now, and for this very flow.

        Raises:
            ProviderRefused: any of that is not so, or the code was redeemed before.
        """
        try:
            await self._metadata()
            token = await self._client.fetch_access_token(redirect_uri, code=code, code_verifier=flow.code_verifier)
            claims = await self._client.parse_id_token(
                token, flow.nonce, claims_options=self._required(), leeway=CLOCKS_DIFFER_SECONDS
            )
        except (HTTPError, AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise ProviderRefused from error
        if not claims:
            raise ProviderRefused
        return claims

    async def _metadata(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self.settings.issuer:
            raise ValueError("the provider names another issuer")
        listed = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [name for name in listed if name in ASYMMETRIC] or ["RS256"]

    def _required(self) -> dict[str, dict[str, Any]]:
        return {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True},
        }
