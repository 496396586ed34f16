"""What can go wrong with a model, as one tree.

ModelError                  anything below
├── ArtifactError           the folder is missing, damaged, or made for another version
└── InferenceError          one batch could not be scored; the next one may be
"""


class ModelError(Exception):
    """Root of what this package raises; the message is one line."""


class ArtifactError(ModelError):
    """The artifact can't be used; the message says where, what, and what to do."""


class InferenceError(ModelError):
    """The session failed on a batch; nothing was kept, so the batch is safe to try again."""
