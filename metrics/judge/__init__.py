"""An LLM as judge: rubrics that are data, verdicts that are kept, scores that say how far they reach.

Pure: no request is sent and nothing is kept here; that is for ``csc_tasks.chat`` and ``csc_tasks.judging``.
"""

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.parser import read_verdict
from csc_tasks.metrics.judge.rubric import Dimension, Kind, Rubric, load_rubric, shipped_rubrics
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import Status, Usage, Verdict

__all__ = [
    "Dimension",
    "JudgeError",
    "Kind",
    "Rubric",
    "Sample",
    "Status",
    "Usage",
    "Verdict",
    "load_rubric",
    "read_verdict",
    "shipped_rubrics",
]
