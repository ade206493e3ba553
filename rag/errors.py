"""Every failure this program can report, as one tree; each message is a sentence that says what to do.

    RagError
    ├── SettingsError               a setting has a value that cannot work
    ├── ArgumentError               an argument of the Python API is of a wrong type, or out of its range
    │   └── CollectionNotFoundError no collection of that name can be asked
    ├── QuestionError               a question that cannot be asked (empty, too long)
    ├── SourceError                 one source cannot be read; carries a FateReason code
    ├── SourceNotFoundError         no source of that name is indexed
    │   └── PathNotFoundError       there is no file or folder at a path that was named
    ├── ModelError                  an encoder or reader cannot be loaded or used
    ├── IndexStateError
    │   ├── IndexNotFoundError      nothing has been indexed yet
    │   ├── IndexMismatchError      built with another encoder or other passage settings
    │   ├── IndexFormatError        written by a version this one cannot read
    │   ├── IndexCorruptError       damaged; names the file and the remedy
    │   ├── IndexBusyError          another process is writing
    │   ├── IndexWriteError         no space, or no permission to write
    │   └── IndexUnreachableError   the server that keeps it cannot be reached
    ├── DatasetError                an evaluation data set or run cannot be read
    └── ChatError
        ├── ChatSetupError          provider package, model name or key is missing
        ├── ChatConnectionError     the model server cannot be reached
        ├── ChatTimeoutError        no answer within the deadline
        ├── ChatRefusedError        the server refused the request (key, permission, rate)
        └── ChatOutputError         cut off, empty, too large or not understood

The command line turns any of these into one line and exit code 1, or 2 where what was typed cannot be meant
(SettingsError, ArgumentError, PathNotFoundError); anything else is a fault of ours.
"""


class RagError(Exception):
    """Base of all errors that a person can do something about."""


class SettingsError(RagError):
    """A setting has a value that cannot work."""


class ArgumentError(RagError):
    """An argument is of a wrong type, or out of its range; the message has its name, wanted and got."""


class CollectionNotFoundError(ArgumentError):
    """There is no collection of that name, or none that may be seen."""


class QuestionError(RagError):
    """The question cannot be asked: it is empty, too long, or not text."""


class SourceError(RagError):
    """One source cannot be read; others still can.

    Attributes:
        reason: a stable code for reports, one of `rag.schema.FateReason`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SourceNotFoundError(RagError):
    """No source of that name is indexed."""


class PathNotFoundError(SourceNotFoundError):
    """There is no file or folder at a path that was named."""


class ModelError(RagError):
    """An encoder or reader cannot be loaded or does not fit what the index was built with."""


class IndexStateError(RagError):
    """Base of everything that can be wrong with an index folder."""


class IndexNotFoundError(IndexStateError):
    """Nothing has been indexed in this folder yet."""


class IndexMismatchError(IndexStateError):
    """The index was built with another encoder or other passage settings."""


class IndexFormatError(IndexStateError):
    """The index was written by a version of this program that this one cannot read."""


class IndexCorruptError(IndexStateError):
    """A file of the index is damaged; the message names it and the remedy."""


class IndexBusyError(IndexStateError):
    """Another process is writing to this index."""


class IndexWriteError(IndexStateError):
    """The index cannot be written: no space is left, or permission is missing."""


class IndexUnreachableError(IndexStateError):
    """The server that keeps the index cannot be reached."""


class DatasetError(RagError):
    """An evaluation data set or run cannot be read; the message names file and line."""


class ChatError(RagError):
    """Base of everything that can go wrong with a chat model.

    Attributes:
        said: the server's own words, for whoever sets it up; they may hold a key, and are no part of the message.
    """

    said = ""


class ChatSetupError(ChatError):
    """The provider's package, the model's name or the key is missing."""


class ChatConnectionError(ChatError):
    """The model server cannot be reached, or the connection broke."""


class ChatTimeoutError(ChatError):
    """The model did not answer within its deadline."""


class ChatRefusedError(ChatError):
    """The server refused the request: wrong key, no permission, or too many requests."""


class ChatOutputError(ChatError):
    """The model's output is cut off, empty, too large, or not understood."""
