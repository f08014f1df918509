"""The errors a user can act on; every message names the place and the cure."""


class CSConvError(Exception):
    """Something the user can mend. Commands print the message alone, without a traceback."""


class DataError(CSConvError):
    """A conversation file cannot be read or breaks the schema."""


class SourceError(CSConvError):
    """The data named by ``csconv_data`` cannot be had: unknown name, no network, refused, absent."""


class ConfigError(CSConvError):
    """An option has a value that csconv does not know, or two options contradict each other."""


class HarnessError(CSConvError):
    """The installed lm-eval is absent, unsupported, or cannot be written to."""


class ChatError(CSConvError):
    """A model at an endpoint cannot be asked, or its answers cannot be kept; no message holds a key."""
