"""One role of a node: which kind it is, its settings, its view; and what it may ask of its node."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openoutcry.host.kinds import RoleKind, Settings
from openoutcry.role import Store
from openoutcry.wire.fields import KeyId
from openoutcry.wire.signed import Signed, Signer, Verifier, verify


class ViewStore(Store, Protocol):
    """A view as the node handles it; `node.store` has two."""

    @property
    def applied(self) -> int:
        """Sequence of the last record that it holds the outcome of, 0 for none."""
        ...

    def begin(self) -> None:
        """Begin the transaction of one group."""
        ...

    def commit(self, sequence: int) -> None:
        """End it, and note that everything up to `sequence` is applied."""
        ...

    def rollback(self) -> None:
        """End it as if nothing had been asked for."""
        ...

    def reset(self) -> None:
        """Forget everything: the tables are there and empty, and nothing is applied."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One role that a node runs. number: its own in this node's journal, from 1, for as long as the journal lives."""

    number: int
    kind: RoleKind
    settings: Settings
    store: ViewStore | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a node is. secret: gives 32 bytes for a path, the same ones each time (`NodeSecrets.derive`)."""

    signer: Signer
    verifier: Verifier
    secret: Callable[[str], bytes]

    @property
    def key(self) -> KeyId:
        """The key of the node."""
        return self.signer.key


class RolePorts:
    """What one role may ask of its node (`role.Ports`)."""

    __slots__ = ("_identity", "_name", "number", "own", "store")

    def __init__(self, part: Part, identity: Identity) -> None:
        self.number = part.number
        self.own: KeyId = identity.key
        self.store: Store | None = part.store
        self._name = part.kind.name
        self._identity = identity

    def verify(self, signed: Signed) -> bool:
        """Tell whether every signature of a signed object is good."""
        return verify(signed, self._identity.verifier, [one.key for one in signed.signatures]) is None

    def secret(self, path: str) -> bytes:
        """Return 32 secret bytes for a path; two roles get different ones."""
        return self._identity.secret(f"role/{self._name}/{path}")
