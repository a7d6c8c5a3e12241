"""What the service is told at its start: from the environment, overruled by arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One service process.

    Attributes:
        home: the home folder whose promoted bundle and current scoring run are answered from.
        host: address to listen on; anything but loopback belongs behind a proxy with TLS.
        port: port to listen on.
        max_body_bytes: a larger request body is refused before it is read.
        body_timeout_seconds: a body that takes longer to arrive is given up.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    max_body_bytes: int = 4 * 1024 * 1024
    body_timeout_seconds: float = 20.0

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str],
        *,
        home: Path | None = None,
        host: str | None = None,
        port: int | None = None,
    ) -> "Settings":
        """Settings from ``EWS_HOME``, ``EWS_HOST`` and ``EWS_PORT``; an argument overrules its variable.

        Raises:
            ValueError: no home is named, or the port is no number.
        """
        named_home = home or environ.get("EWS_HOME")
        if not named_home:
            raise ValueError("Name the home folder: --home FOLDER, or set EWS_HOME.")
        named_port = str(port if port is not None else environ.get("EWS_PORT", cls.port))
        if not named_port.isdecimal() or int(named_port) > 65_535:
            raise ValueError("The port must be a whole number from 0 to 65535.")
        return cls(Path(named_home), host or environ.get("EWS_HOST", cls.host), int(named_port))
