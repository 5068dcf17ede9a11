"""What stops a node. Bad input never does."""


class RoleFailed(Exception):
    """A role raised where it may not: what it was given stands in the journal, and would make it raise again."""


class BrokenInvariant(Exception):
    """A role says that its own state cannot be. Going on would only spread it."""


class BadSnapshot(Exception):
    """The content of a snapshot is not what a node of these roles writes."""


class SettingsChanged(Exception):
    """A role is to apply again what it has applied with other settings, and would come to another state."""
