"""What can go wrong with a view. The text is one line that names it and says what to do."""


class StoreError(Exception):
    """The view could not do what it was asked for: the node stops, and makes it anew from the journal when it starts.

    A statement that is wrong, or breaks a constraint, is one too: a role says `INSERT OR IGNORE` where it expects that.
    """
