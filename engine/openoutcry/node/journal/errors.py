"""What can go wrong with a journal. Each text is one line that names the file and says what to do."""


class JournalError(Exception):
    """Something about a journal; the subclasses say what the caller may still do."""


class NotAJournal(JournalError):
    """What should be opened is missing, empty, in use, or something else. Nothing was changed."""


class InUse(NotAJournal):
    """Another process writes this journal. Nothing was changed."""


class Damaged(JournalError):
    """Something that was durable is no longer what it was. The node must not start; nothing was changed."""


class NotDurable(JournalError):
    """This append left no trace, as when the disk is full: acknowledge nothing of it; later ones may work."""


class Stopped(JournalError):
    """The journal is no longer written: it is unknown what the disk holds. Acknowledge nothing; start the node anew."""
