"""What a request to the panel can have wrong."""

from __future__ import annotations


class BadRequest(ValueError):
    """The page asked for something that cannot be: a missing id, a limit of a million, a tag that is a number."""


class ForeignRequest(PermissionError):
    """The request came from another web site, or under a host name that is not ours."""


class AudioMissing(LookupError):
    """A take's audio is not there, or cannot be read; its parameters are."""


class AddressUnknown(OSError):
    """The host that was asked for is no address of this machine."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is no address of this machine; --host names another.")
        self.host = host


class PortBusy(OSError):
    """Another program listens on the port that was asked for, or on every port that was tried."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} of {host} is taken, or not ours to use; --port names another.")
        self.host = host
        self.port = port
