"""All messages that have a tag of the engine, and a sample of each: the wire's own, then those of each subject."""

from typing import Final

from openoutcry.venue import messages as venue
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import TagTable
from tests.wire.samples import SAMPLES
from tests.wire.venue_samples import VENUE_SAMPLES

ALL_MESSAGES: Final[TagTable] = MESSAGES.extended(venue.MESSAGES)
ALL_SAMPLES: Final = SAMPLES + VENUE_SAMPLES
