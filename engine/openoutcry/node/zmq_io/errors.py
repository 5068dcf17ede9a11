"""What keeps links from being opened."""


class LinkError(Exception):
    """One line for the operator: what does not work, and what to do about it."""
