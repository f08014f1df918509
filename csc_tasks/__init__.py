"""csconv: evaluate language models on Chinese customer-support conversations (CSConv) with lm-eval.

Importing this package is cheap: no torch, no lm-eval, no data.
"""

from csc_tasks._version import __version__
from csc_tasks.data.conversations import Conversation, Utterance
from csc_tasks.errors import CSConvError
from csc_tasks.framework import Stage, Strategy

__all__ = ["CSConvError", "Conversation", "Stage", "Strategy", "Utterance", "__version__"]
