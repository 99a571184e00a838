r"""Every error of the contract.

::

    CasebridgeError
    ├── PluginError              .plugin     a plugin is refused, or one of its hooks failed
    │   ├── PluginLoadError                  importing the entry point failed
    │   ├── DuplicateVendor      .vendor     two plugins claim one vendor; both are refused
    │   ├── ManifestMismatch                 the manifest and the hooks do not agree
    │   ├── UnsupportedHook                  a hook is written in a way that cannot work
    │   └── HookFailed           .hook       a hook raised the unexpected or returned a wrong type
    ├── UnknownVendor            .vendor     no enabled plugin serves this vendor; also a KeyError
    ├── InvalidConfig            .path       the connector's configuration, and the field's path
    └── PushError                .retryable .retry_after .uncertain .pauses_connector
        ├── VendorUnavailable    retryable   certainly not done: no connection, or a failed read
        ├── RateLimited          retryable   certainly not done: told to wait
        ├── OutcomeUnknown       retryable   uncertain: the vendor may have stored it
        ├── AuthenticationFailed pauses      the credential is refused
        ├── DestinationNotFound  pauses      the project, table or issue type is gone
        ├── TicketNotFound                   the ticket is deleted or out of sight
        ├── TransitionRejected               the workflow refuses; .missing_fields .allowed
        ├── InvalidRequest       .fields     the vendor refuses the content
        │   └── PermissionDenied             the account is known, and may not do this
        └── UnexpectedResponse   retryable   not the answer that the vendor documents

A hook of the push family raises a `PushError` and nothing else. No message ever holds a secret: a
message is shown to analysts, stored and logged.
"""

from __future__ import annotations

from typing import ClassVar


class CasebridgeError(Exception):
    """The root of the tree; ``str(error)`` is a sentence for people."""


def told(cause: BaseException) -> str:
    """Return an exception's type and message in one line; a message that fails is left out."""
    try:
        message = " ".join(str(cause).split())
    except Exception:  # noqa: BLE001 - a stranger's __str__
        message = ""
    kind = type(cause).__name__
    return f"{kind}: {message}" if message else kind


class PluginError(CasebridgeError):
    """Something is wrong with a plugin; ``plugin`` is its entry-point name."""

    def __init__(self, plugin: str, problem: str) -> None:
        """Name the plugin and the problem in one sentence."""
        super().__init__(f"plugin {plugin!r}: {problem}")
        self.plugin = plugin
        self.problem = problem


class PluginLoadError(PluginError):
    """Importing the plugin's entry point failed."""


class DuplicateVendor(PluginError):
    """Two plugins claim the same vendor; neither is used."""

    def __init__(self, plugin: str, vendor: str, rivals: tuple[str, ...]) -> None:
        """Name the vendor and the other claimants."""
        others = ", ".join(rivals)
        super().__init__(
            plugin,
            f"vendor {vendor!r} is claimed by {others} too; uninstall all but one, or leave all but"
            " one out of CASEBRIDGE_PLUGINS",
        )
        self.vendor = vendor
        self.rivals = rivals


class ManifestMismatch(PluginError):
    """The manifest says one thing and the hooks another."""


class UnsupportedHook(PluginError):
    """A hook implementation is written in a way that cannot work."""


class HookFailed(PluginError):
    """A hook raised something that is not a `CasebridgeError`, or returned a wrong type."""

    def __init__(self, plugin: str, hook: str, problem: str) -> None:
        """Name plugin, hook and problem; the cause is chained, never quoted."""
        super().__init__(plugin, f"{hook} {problem}")
        self.hook = hook


class UnknownVendor(CasebridgeError, KeyError):
    """No enabled plugin serves this vendor.

    It is a `KeyError` too, since the catalog is a mapping: ``catalog.get(vendor)`` gives None.
    """

    __str__ = Exception.__str__  # a KeyError would quote the sentence

    def __init__(self, vendor: str, known: tuple[str, ...] = ()) -> None:
        """Name the vendor and those that are served."""
        served = ", ".join(known) or "none"
        super().__init__(
            f"no plugin for vendor {vendor!r} is enabled (served: {served});"
            f" pip install casebridge-{vendor} and restart the service"
        )
        self.vendor = vendor


class InvalidConfig(CasebridgeError):
    """A connector's configuration is wrong at ``path``, such as ``base_url``; no value is shown."""

    def __init__(self, path: str, problem: str) -> None:
        """Name the field's path and what to do about it."""
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


class PushError(CasebridgeError):
    """A call to the vendor did not come to its end.

    Attributes:
        retryable: whether the same call may succeed later without anybody acting.
        retry_after: seconds that the vendor asked to wait, or None.
        uncertain: whether the vendor may have done it all the same. After an uncertain outcome the
            host looks for the ticket or comment before it tries again.
        pauses_connector: whether every further call of this connector will fail the same way.
    """

    retryable: ClassVar[bool] = False
    uncertain: ClassVar[bool] = False
    pauses_connector: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Say what happened in one sentence without secrets."""
        super().__init__(message)
        self.retry_after = retry_after


class VendorUnavailable(PushError):
    """Certainly not done: the vendor could not be reached, or a read failed on its side."""

    retryable = True


class RateLimited(PushError):
    """Certainly not done: the vendor asks to wait ``retry_after`` seconds."""

    retryable = True


class OutcomeUnknown(PushError):
    """The connection broke or the vendor failed after the request was sent."""

    retryable = True
    uncertain = True


class AuthenticationFailed(PushError):
    """The vendor refuses the credential."""

    pauses_connector = True


class DestinationNotFound(PushError):
    """The project, table or issue type that the configuration names is not there or not visible."""

    pauses_connector = True


class TicketNotFound(PushError):
    """The ticket is deleted, or the account may not see it."""


class TransitionRejected(PushError):
    """The vendor's workflow does not let the ticket reach the target status.

    ``missing_fields`` names the fields the vendor asks for, ``allowed`` the statuses that can be
    reached from where the ticket is.
    """

    def __init__(
        self,
        message: str,
        *,
        missing_fields: tuple[str, ...] = (),
        allowed: tuple[str, ...] = (),
    ) -> None:
        """Say what is missing and what would be allowed."""
        super().__init__(message)
        self.missing_fields = missing_fields
        self.allowed = allowed


class InvalidRequest(PushError):
    """The vendor refuses the content; ``fields`` names the vendor's fields it complains of."""

    def __init__(self, message: str, *, fields: tuple[str, ...] = ()) -> None:
        """Quote the vendor's reason."""
        super().__init__(message)
        self.fields = fields


class PermissionDenied(InvalidRequest):
    """The vendor knows the account and does not let it do this; the credential itself is good.

    It pauses nothing: one ticket or one field may be closed to the account while all others are
    open. Say in the message which right is missing.
    """


class UnexpectedResponse(PushError):
    """The answer is not what the vendor documents: an HTML page, half a JSON document.

    Raise it for reads; after a write such an answer leaves the outcome unknown, so raise
    `OutcomeUnknown` there.
    """

    retryable = True
