"""Readers that plugins bring, so that whatever goes wrong in one is a `ReplayError` which names it."""

from openoutcry.host.account import Tell, words_of
from openoutcry.host.kinds import ReplayReader
from openoutcry.replay.error import ReplayError
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source


def guarded_reader(plugin: str, reader: ReplayReader, tell: Tell) -> ReplayReader:
    """Return the same reader, contained.

    A `knows` that raises knows nothing, and is told; a `read` that raises, or returns no Flow, becomes a ReplayError.
    """

    def knows(name: str, head: bytes) -> bool:
        try:
            return reader.knows(name, head) is True
        except Exception as error:
            tell("plugin raised", plugin=plugin, hook="replay_readers", cause=f"knows: {words_of(error)}")
            return False

    def read(source: Source, options: Options) -> Flow:
        try:
            flow: object = reader.read(source, options)
        except ReplayError:
            raise
        except Exception as error:
            raise ReplayError(f"{source.path}: reader {reader.name} of plugin {plugin}: {words_of(error)}") from error
        if not isinstance(flow, Flow):
            words = f"answered a {type(flow).__name__}, expected a Flow"
            raise ReplayError(f"{source.path}: reader {reader.name} of plugin {plugin} {words}")
        return flow

    return ReplayReader(reader.name, reader.reads, knows, read)
