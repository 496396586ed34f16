"""What can go wrong outside of judging, said so that an operator knows what to do.

StreamsError
├── ConfigurationError   a setting or an argument is unusable; the process ends with code 2
│   └── EmbeddedError    the in-package broker or store can't be started here
├── BrokerError          Kafka doesn't answer in time or refuses
├── Standstill           there were records to judge and none was judged for too long; code 3
├── PlatformError        a chat platform can't be reached, or doesn't do what it should
├── StoreError           the store of standings doesn't answer in time or refuses
└── UnreadableError      a record is no message; it goes to the dead letters
"""


class StreamsError(Exception):
    """Something around the judging went wrong; the message says what to do."""


class ConfigurationError(StreamsError):
    """A setting or an argument is unusable; the message is one line that says which and what to do."""


class EmbeddedError(ConfigurationError):
    """The in-package broker or store can't be started on this machine."""


class BrokerError(StreamsError):
    """The broker doesn't answer in time or refuses; trying again is safe."""


class Standstill(StreamsError):  # noqa: N818 - what happened, not a mistake
    """There were records to judge and none was judged for too long.

    Attributes:
        code: What the process ends with.
    """

    code = 3


class PlatformError(StreamsError):
    """A chat platform can't be reached, or doesn't do what it should; the message says what to do."""


class StoreError(StreamsError):
    """The store doesn't answer in time or refuses; trying again is safe."""


class UnreadableError(StreamsError):
    """A record can't be read as a message.

    Attributes:
        reason: A short word for headers and metrics: "not_json", "field", "too_large".
        field: Path of the field that is missing or wrong ("author.id"); None where the
            record as a whole is.

    The error's text says it in one line, without the message's text.
    """

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        self.reason = reason
        self.field = field
        super().__init__(detail)
