"""What is wrong with the plugins that were asked for, in one line that a user can act on."""


class PluginError(ValueError):
    """A plugin that cannot be loaded, or not as asked. `str()` of it is one line that names the plugin and the cause.

    plugin: its name, "" where there is none yet.
    """

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin}: {message}" if plugin else message)
        self.plugin = plugin
