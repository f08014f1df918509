"""The end of a generation that was not to end yet: what the model has answered is put in safety first."""

from __future__ import annotations

import logging

from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.system.signals import stopped_by, undisturbed

__all__ = ["secure"]

logger = logging.getLogger(__name__)


def secure(error: BaseException, kept: KeptAnswers, progress: str = "") -> str:
    """Keep the answers, and say what happened and how to go on from there: in the log, and as the value.

    Args:
        error: that ended the generation: the model's, Ctrl-C or a signal.
        kept: the answers so far.
        progress: how far it was, like `` after 3 of 8 turns``.
    """
    # The next signal must not cost what this one has not.
    with undisturbed():
        if asked_by := stopped_by(error):
            message = f"stopped by {asked_by}{progress}. {kept.rescue()}"
            logger.error("%s", message)
        else:
            message = f"the model failed{progress} ({type(error).__name__}: {error}). {kept.rescue()}"
            logger.error("%s", message, exc_info=error)
        return message
