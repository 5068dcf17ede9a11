"""How a client reaches a venue: addresses and keys, from a small TOML file or from a program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from openoutcry.client.errors import NotRepresentable
from openoutcry.client.listing import Scale, scales_of
from openoutcry.node.config.convert import convert, unknown, value_of
from openoutcry.node.config.source import Source
from openoutcry.node.config.tables import FilePath, HexKey
from openoutcry.node.keys.errors import BadUnlock, KeysError
from openoutcry.node.keys.secrets import NodeSecrets
from openoutcry.node.keys.unlock import Source as UnlockSource
from openoutcry.node.keys.unlock import Unlock, open_secrets, parse_unlock
from openoutcry.node.zmq_io import LinkIdentity, Peer
from openoutcry.wire.fields import Address
from openoutcry.wire.signed import Signer

LEASE_MS_MAX: Final = 3_600_000


class VenueTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the venue is and who it is; its operator tells."""

    address: Annotated[Address, Meta(examples=["tcp://127.0.0.1:7401"])]
    """Where it takes links, `tcp://HOST:PORT`."""
    key: Annotated[HexKey, Meta(examples=["0" * 64])]
    """Its identity, 64 hexadecimal digits: `outcry keys show` of its keystore."""
    curve_key: Annotated[HexKey, Meta(examples=["0" * 64])]
    """Its link key, 64 hexadecimal digits."""
    topics_address: Annotated[str, Meta(max_length=255)] = ""
    """Where it publishes market data; "" for a client that watches nothing."""
    name: Annotated[str, Meta(max_length=32)] = "venue"
    """What errors call it."""


class MemberTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who trades, and how."""

    keystore: FilePath = "keystore"
    """File with the member's keys; made by `outcry keys new`."""
    unlock: Annotated[str, Meta(max_length=1_100)] = "prompt"
    """Where its passphrase comes from: prompt, fd:N, file:PATH, credential:NAME or service:SOCKET."""
    account: Annotated[int, Meta(ge=0)] | None = None
    """The account that orders are for; left out for the member's first one."""
    cancel_on_disconnect: bool = False
    """Whether the venue cancels all orders three seconds after it has last heard of this client."""
    lease_ms: Annotated[int, Meta(ge=0, le=LEASE_MS_MAX)] = 0
    """The same after this time; at least 2,000, 0 for none."""


class Access(msgspec.Struct, frozen=True):
    """All that is needed to speak to a venue. scales: what a tick and a lot of each pair are worth, by name."""

    venue: Peer
    identity: LinkIdentity
    scales: Mapping[str, Scale] = {}
    account: int | None = None
    cancel_on_disconnect: bool = False
    lease_ms: int = 0

    @property
    def signer(self) -> Signer:
        """Signs with the member's identity."""
        return self.identity.signer


class Profile(msgspec.Struct, frozen=True):
    """A profile as it stands in a file; the keystore is not opened yet."""

    source: Source
    venue: VenueTable
    member: MemberTable
    scales: Mapping[str, Scale]
    unlock: Unlock

    def open(self) -> Access:
        """Open the keystore. Raises ConfigError, at the line of keystore or unlock."""
        keystore = self.source.place(self.member.keystore)
        try:
            secrets = open_secrets(keystore, self.unlock)
        except KeysError as error:
            key = "keystore" if str(error).startswith(str(keystore)) else "unlock"
            raise self.source.error(("member", key), f"member.{key}: {error}") from error
        try:
            return self.access(secrets)
        finally:
            secrets.wipe()

    def access(self, secrets: NodeSecrets) -> Access:
        """Return what follows from keys that are open already."""
        venue, member, curve = self.venue, self.member, secrets.curve
        return Access(
            Peer(
                bytes.fromhex(venue.key),
                bytes.fromhex(venue.curve_key),
                venue.address,
                venue.name,
                venue.topics_address,
            ),
            LinkIdentity(secrets.signer, curve.public, curve.secret),
            self.scales,
            member.account,
            member.cancel_on_disconnect,
            member.lease_ms,
        )


def read_profile(path: Path) -> Profile:
    """Read a profile. Raises ConfigError: `FILE:LINE: what: expected ...; what to do`."""
    source = Source.read(path)
    tables: dict[str, type[msgspec.Struct]] = {"venue": VenueTable, "member": MemberTable}
    known = [*tables, "pairs"]
    for key, value in source.values.items():
        if key not in known:
            raise source.error((key,), *unknown((key,), known, "table"))
        if not isinstance(value, dict):
            raise source.error((key,), f"{key} is {value_of(value)}", "a table", f"write [{key}] on a line of its own")
    if "venue" not in source.values:
        raise source.error((), "[venue] is missing", "the table [venue] with address, key and curve_key")
    venue = convert(source, ("venue",), source.values["venue"], VenueTable)
    member = convert(source, ("member",), source.values.get("member", {}), MemberTable)
    if 0 < member.lease_ms < 2_000:
        raise source.error(("member", "lease_ms"), f"member.lease_ms is {member.lease_ms}", "0, or 2000 and more")
    try:
        unlock = parse_unlock(member.unlock)
    except BadUnlock as error:
        raise source.error(("member", "unlock"), f"member.unlock: {error}") from error
    if unlock.source in (UnlockSource.FILE, UnlockSource.SERVICE):
        unlock = Unlock(unlock.source, str(source.place(unlock.value)))
    return Profile(source, venue, member, _scales(source), unlock)


def _scales(source: Source) -> dict[str, Scale]:
    pairs: Mapping[str, Any] = source.values.get("pairs", {})
    found: dict[str, Scale] = {}
    for name, values in pairs.items():
        if not isinstance(values, dict):
            raise source.error(("pairs", name), f"pairs.{name} is {value_of(values)}", "a table with tick and lot")
        for key, value in values.items():
            if key not in ("tick", "lot"):
                raise source.error(("pairs", name, key), *unknown(("pairs", name, key), ("tick", "lot"), "key"))
            if not isinstance(value, str):
                what = f"pairs.{name}.{key} is {value_of(value)}"
                raise source.error(("pairs", name, key), what, 'a number in quotes, such as "0.01"')
            try:
                scales_of({name: {key: value}})
            except NotRepresentable as error:
                raise source.error(("pairs", name, key), str(error), 'a number above 0, such as "0.01"') from error
        found |= scales_of({name: values})
    return found
