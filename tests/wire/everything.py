"""All messages that have a tag of the engine, and a sample of each: the wire's own, then those of each subject."""

from typing import Final

from openoutcry.marketdata import messages as feeds
from openoutcry.venue import messages as venue
from openoutcry.venue.calendar import messages as calendar
from openoutcry.venue.proof import messages as proof
from openoutcry.venue.statements import messages as statements
from openoutcry.venue.tariffs import messages as tariffs
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import TagTable
from tests.wire.account_samples import ACCOUNT_SAMPLES
from tests.wire.feed_samples import FEED_SAMPLES
from tests.wire.proof_samples import PROOF_SAMPLES
from tests.wire.samples import SAMPLES
from tests.wire.venue_samples import VENUE_SAMPLES

ALL_MESSAGES: Final[TagTable] = MESSAGES.extended(
    [*feeds.MESSAGES, *venue.MESSAGES, *proof.MESSAGES, *calendar.MESSAGES, *tariffs.MESSAGES, *statements.MESSAGES]
)
ALL_SAMPLES: Final = SAMPLES + FEED_SAMPLES + VENUE_SAMPLES + PROOF_SAMPLES + ACCOUNT_SAMPLES
