"""One command of a member shown to somebody else, with its way to the member's signature and nothing beside it.

What the other one learns: the command, how many commands its run has, and how many runs were sent until the member
signed. Leaves of other runs and commands are salted, so they cannot be tried out.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from openoutcry.domain.records import COMMAND
from openoutcry.venue.proof.hashes import digest_of, member_leaf, member_link, run_salt, sealed_hash, tree_secret
from openoutcry.venue.proof.limits import SHOWN_RECORDS_MAX
from openoutcry.venue.proof.member import Link
from openoutcry.venue.proof.messages import CommandProof, CommandsSigned, CommandTree
from openoutcry.wire.fields import SALT_BYTES, SIGNATURE_BYTES
from openoutcry.wire.merkle import leaf, leaves_of, path, root, root_from_path, salt_of
from openoutcry.wire.signed import Signer, Verifier

_SIZE = COMMAND.itemsize


class ShownFault(IntEnum):
    """Why a CommandProof shows nothing."""

    WRONG_SIGNATURE = 1
    """The member has not signed this chain."""
    FOREIGN = 2
    """Signed for another venue, member or session."""
    WRONG_CHAIN = 3
    """The run does not lead to the link that was signed."""
    WRONG_RUN = 4
    """The command is not in the run."""
    WRONG_TREE = 5
    """The member has not signed this tree of the run."""


class Shown(NamedTuple):
    """A command that a member has signed."""

    member: bytes
    session: int
    sequence: int
    command: bytes


def sign_tree(
    signer: Signer, venue: bytes, session: int, secret: bytes, sequence: int, records: bytes | memoryview
) -> CommandTree:
    """Sign the tree of one run, on demand. Cost: 1.4 microseconds a command and a signature."""
    leaves = leaves_of(tree_secret(secret, sequence), _split(records))
    fields = (venue, signer.key, session, sequence, len(leaves), digest_of(records), root(leaves))
    blank = CommandTree(*fields, bytes(SIGNATURE_BYTES))
    return CommandTree(*fields, signer.sign(blank.signed_bytes()))


def show_command(
    signed: CommandsSigned,
    link: Link,
    after: Sequence[bytes],
    secret: bytes,
    index: int,
    records: bytes | memoryview,
    *,
    tree: CommandTree | None = None,
    seal: bytes = b"",
) -> CommandProof:
    """Show command `index` of a run: with `tree` alone, else with the others of its run.

    link, after: the run, and the leaves of those after it to the signature (`ProofDesk.link_of`). secret: of the
    session. records: of the whole run, at most `SHOWN_RECORDS_MAX` without a tree; with `seal`, the sealed command.
    """
    salt = run_salt(secret, link.sequence)
    run = (link.sequence, link.commands, link.digest, salt, index, link.previous, tuple(after))
    if tree is None:
        assert len(records) <= SHOWN_RECORDS_MAX * _SIZE
        return CommandProof(signed, *run, bytes(records), seal=seal)
    commands, salts = _split(records), tree_secret(secret, link.sequence)
    way = path(leaves_of(salts, commands), index)
    return CommandProof(signed, *run, commands[index], (tree,), salt_of(salts, index), way)


def read_command(proof: CommandProof, venue: bytes, verifier: Verifier) -> Shown | ShownFault:
    """Return the command that a proof shows, or why it shows none. All of it may come from a stranger.

    Cost: one signature (40 microseconds), two with a tree, and a hash for each run after it.
    """
    signed = proof.signed
    if signed.venue != venue:
        return ShownFault.FOREIGN
    last = proof.sequence + proof.count - 1
    if not proof.index < proof.count or last > signed.sequence or (last == signed.sequence) == bool(proof.after):
        return ShownFault.WRONG_CHAIN
    chain = member_link(proof.previous, member_leaf(proof.salt, proof.sequence, proof.count, proof.digest))
    for leaf_hash in proof.after:
        chain = member_link(chain, leaf_hash)
    if chain != signed.chain:
        return ShownFault.WRONG_CHAIN
    command = _command_of(proof, verifier)
    if isinstance(command, ShownFault):
        return command
    if not verifier.verify(signed.member, signed.signature, signed.signed_bytes()):
        return ShownFault.WRONG_SIGNATURE
    return Shown(signed.member, signed.session, proof.sequence + proof.index, command)


def _command_of(proof: CommandProof, verifier: Verifier) -> bytes | ShownFault:
    """Return the command of a proof whose run is in the chain."""
    if proof.seal:
        fits = proof.count == 1 and len(proof.records) == _SIZE and len(proof.seal) == SALT_BYTES
        opened = fits and sealed_hash(proof.seal, proof.signed.member, proof.sequence, proof.records) == proof.digest
        return proof.records if opened else ShownFault.WRONG_RUN
    if proof.tree:
        return _command_in_tree(proof, proof.tree[0], verifier)
    if len(proof.records) != proof.count * _SIZE or digest_of(proof.records) != proof.digest:
        return ShownFault.WRONG_RUN
    return proof.records[proof.index * _SIZE : (proof.index + 1) * _SIZE]


def _command_in_tree(proof: CommandProof, tree: CommandTree, verifier: Verifier) -> bytes | ShownFault:
    signed = proof.signed
    run = (signed.venue, signed.member, signed.session, proof.sequence, proof.count, proof.digest)
    if (tree.venue, tree.member, tree.session, tree.sequence, tree.count, tree.digest) != run:
        return ShownFault.WRONG_TREE
    if len(proof.records) != _SIZE or len(proof.tree_salt) != SALT_BYTES:
        return ShownFault.WRONG_RUN
    leaf_hash = leaf(proof.tree_salt, proof.records)
    if root_from_path(leaf_hash, proof.index, proof.count, proof.path) != tree.root:
        return ShownFault.WRONG_RUN
    if not verifier.verify(tree.member, tree.signature, tree.signed_bytes()):
        return ShownFault.WRONG_TREE
    return proof.records


def _split(records: bytes | memoryview) -> list[bytes]:
    return [bytes(records[at : at + _SIZE]) for at in range(0, len(records), _SIZE)]
