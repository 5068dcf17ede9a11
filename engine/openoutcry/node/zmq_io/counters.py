"""How often what happened on the links, by name; metrics read it."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """Counts since the links were opened. A frame that came in is in `arrivals` or in one of those that refuse it."""

    arrivals: int = 0
    """Frames that were given to the node."""
    arrival_bytes: int = 0
    sent: int = 0
    """Frames that were given to a link or topic."""
    sent_bytes: int = 0
    accepted: int = 0
    """TCP connections that came in."""
    disconnected: int = 0
    """Those of them that have ended."""
    unheard: int = 0
    """Those that ended before a message of theirs was read: junk, a huge length, NULL, a wrong key, or just an end."""
    admitted: int = 0
    """Links, in either direction, whose other end has shown who it is."""
    renewed: int = 0
    """Links on which a service record was shown again in time."""
    limited: int = 0
    """Frames over the rate of their peer, dropped."""
    not_admitted: int = 0
    """Frames on links that have not shown whose they are, dropped."""
    multipart: int = 0
    """Messages in several parts, which no node sends, dropped."""
    forged: int = 0
    """Frames under the routing id of a link whose authenticated key is another one, dropped."""
    refused_routing_id: int = 0
    """Links under a routing id of the kind that libzmq gives, which it has not given."""
    refused_hello: int = 0
    """HELLOs that were not understood, or offered no version that is spoken here."""
    refused_record: int = 0
    """Service records that do not show that the link's key belongs to the node that was named."""
    refused_revoked: int = 0
    """Links of revoked keys."""
    refused_busy: int = 0
    """Links for which there was no room."""
    denied_unlisted: int = 0
    """CURVE keys that are not listed, where only listed ones are let in."""
    denied_closed: int = 0
    """CURVE keys whose door is closed."""
    denied_revoked: int = 0
    """CURVE keys of revoked nodes."""
    denied_busy: int = 0
    """CURVE handshakes for which there was no room or that came too fast."""
    denied_mechanism: int = 0
    """Requests to authenticate by something else than CURVE."""
    failed_handshake: int = 0
    """Connections of this node's own that did not get through the CURVE handshake."""
    closed_flood: int = 0
    """Doors closed: a peer far beyond its rate."""
    closed_stuck: int = 0
    """Doors closed: a peer that does not read."""
    closed_faults: int = 0
    """Doors closed: too many frames that the node could not use."""
    closed_strangers: int = 0
    """Doors closed: a link that sent other things than its greeting."""
    closed_silent: int = 0
    """Connections shut that did not say in time whose they are."""
    closed_heavy: int = 0
    """Doors closed: more bytes received than one message may have, and no message."""
    closed_crowd: int = 0
    """Connections shut because there were too many."""
    dropped_idle: int = 0
    """Links given up, the longest idle first, to make room."""
    unreachable: int = 0
    """Frames for a node to which there is no link."""
    stuck: int = 0
    """Frames for a link whose queue is full, dropped."""
    too_long: int = 0
    """Frames longer than the receiver takes, not sent."""
    no_topics: int = 0
    """Frames for a topic on a node that publishes none."""
    subscriptions: int = 0
    """Subscriptions and unsubscriptions that came in."""
    refused_by_peer: int = 0
    """REFUSE from the links of other nodes: too fast, not admitted, revoked, busy."""

    def as_mapping(self) -> dict[str, int]:
        """Return name to count, in the order above."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
