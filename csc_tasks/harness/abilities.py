"""What a model cannot do is found before it is asked anything, and not after hours of generation.

lm-eval asks for all replies first and for log-likelihoods after them; a model that gives none fails there, when
everything before was paid for. Its ``evaluate`` is the first place that knows model and tasks together, so that is
where they are held against each other.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from lm_eval import evaluator
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CachingLM

from csc_tasks.errors import CSConvError, HarnessError
from csc_tasks.harness import LEFT_OUT
from csc_tasks.harness.lm_eval import quiet_requests
from csc_tasks.harness.request_names import METHODS
from csc_tasks.printable import printable

__all__ = ["install"]

logger = logging.getLogger(__name__)

_MANY = 1024
"""Requests of a trial: enough for each process of a model that deals them out by itself."""
_LONGEST = 300
"""Characters of a reason, which a server may have written."""
_PASSING = (401, 403, 408, 425, 429)
"""Statuses that say nothing of what a server can do."""
_REFUSALS = (RuntimeError, AssertionError, ValueError)
"""How model classes say that they cannot do something; ``NotImplementedError`` is a ``RuntimeError``."""


class _LookedAt(BaseException):
    """Somebody wants to know what a request asks. No ``Exception``, which model classes catch."""


class _Untouched:
    """Nothing may be known of it: a model class that gets as far as looking at its requests does not refuse."""

    def __getattr__(self, name: str) -> Any:
        raise _LookedAt

    def __iter__(self) -> Any:
        raise _LookedAt

    def __len__(self) -> int:
        raise _LookedAt

    def __getitem__(self, place: object) -> Any:
        raise _LookedAt


class _Closed(_Untouched, list[Any]):
    """A list of requests, as far as anybody may know."""


class _Trial(_Untouched, Instance):  # type: ignore[misc]
    """A request of which the task may be known, and not what it asks."""

    def __init__(self, method: str, task: str) -> None:
        self.request_type = method
        self.task_name = task


def install() -> None:
    """Have lm-eval's ``evaluate`` look first; a second call changes nothing."""
    if not hasattr(evaluator.evaluate, "_csconv"):
        evaluator.evaluate = _looking_first(evaluator.evaluate)


def _looking_first(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(evaluate)

    @functools.wraps(evaluate)
    def looking_first(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        lm, given = bound.arguments["lm"], bound.arguments["task_dict"]
        groups, tasks = (
            (given.get("groups", {}), given["tasks"])
            if "tasks" in given
            else evaluator._handle_back_comp(given)
        )
        # Runs without a task of ours are none of our business.
        if not any(hasattr(task, "skip_unsupported") for task in tasks.values()):
            return evaluate(*args, **kwargs)
        left_out = _unsupported(lm, tasks, bound.arguments)
        if left_out:
            kept = {name: task for name, task in tasks.items() if name not in left_out}
            _stop_unless_skipping(tasks, kept, left_out)
            for group in groups.values():
                for name in left_out:
                    group.pop(name)
            bound.arguments["task_dict"] = {"tasks": kept, "groups": _with_tasks(groups)}
            _tell(lm, "is left out", left_out)
        results = evaluate(*bound.args, **bound.kwargs)
        if left_out:
            _tell(lm, "was left out", left_out)
            if results is not None:  # of any process but the first
                results[LEFT_OUT] = left_out
        return results

    looking_first._csconv = True  # type: ignore[attr-defined]
    return looking_first


def _stop_unless_skipping(
    tasks: Mapping[str, Any], kept: Mapping[str, Any], left_out: Mapping[str, str]
) -> None:
    """Raise :class:`HarnessError` unless the user wants to go on without these tasks, and others are left."""
    reasons = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
    if not kept:
        raise HarnessError(f"{reasons}. No task is left; nothing was asked. Evaluate with another model")
    if not any(getattr(task, "skip_unsupported", False) for task in tasks.values()):
        raise HarnessError(
            f"{reasons}. Nothing was generated yet: name the other tasks alone (--tasks {','.join(kept)}), or "
            "pass --metadata csconv_skip_unsupported=true, which leaves out what the model cannot do and says so"
        )


def _with_tasks(groups: Mapping[str, Any]) -> dict[str, Any]:
    """The groups that still have a task."""
    empty = [name for name, group in groups.items() if not group.get_all_tasks()]
    for group in groups.values():
        for name in empty:
            group.pop(name)
    return {name: group for name, group in groups.items() if name not in empty}


def _tell(lm: Any, state: str, left_out: Mapping[str, str]) -> None:
    if lm.rank == 0:
        for name, reason in left_out.items():
            logger.warning("%s %s: it %s", name, state, reason)


def _unsupported(lm: Any, tasks: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """The tasks that the model cannot do, each with what it needs and why the model does not give it."""
    model = lm.lm if isinstance(lm, CachingLM) else lm
    found: dict[str, str] = {}
    refusals: dict[str, str] = {}
    for name, task in tasks.items():
        method = _method(model, task.OUTPUT_TYPE)
        if method not in refusals:
            refusals[method] = _refusal(model, method, name)
        reason = refusals[method]
        if not reason and method == "loglikelihood" and hasattr(task, "skip_unsupported"):
            reason = refusals[method] = _refusal_of_server(lm, model, task, options)
        if reason:
            needed = "log-likelihoods" if method.startswith("loglikelihood") else "generated text"
            found[name] = f"needs {needed}, which {type(model).__name__} does not give ({reason})"
    return found


def _method(model: Any, output_type: str) -> str:
    """The method of a model class that requests of a task end in."""
    name = "loglikelihood" if output_type == "multiple_choice" else output_type
    # A method that csconv gave to all model classes is made of one of theirs.
    common = getattr(LM, name, None) if name in METHODS else None
    return METHODS[name] if common is not None and getattr(type(model), name) is common else name


def _refusal(model: Any, method: str, task: str) -> str:
    """Why a model class refuses a method, whatever is asked; '' if it does not."""
    inner = ["_loglikelihood_tokens"] if method == "loglikelihood" else []
    for name in (method, *inner):
        call = getattr(_twin(model), name, None)
        if call is None:
            continue
        # lm-eval's own look whose requests they are before they refuse: log-likelihoods of a model that thinks.
        # Another class might keep what it is given, or send it away.
        theirs = getattr(call, "__module__", "").startswith("lm_eval.")
        try:
            call([_Trial(method, task)] * _MANY if theirs else _Closed())
        except _LookedAt:
            continue
        except _REFUSALS as error:
            return _words(error)
        except Exception:
            # It stumbled over a request that is none; the real ones will tell.
            logger.debug("%s.%s: not known", type(model).__name__, name, exc_info=True)
    return ""


def _twin(model: Any) -> Any:
    """A model that may be left in the middle of a call, as what it sets on itself there is not set on the original."""
    if hasattr(type(model), "__del__") or not hasattr(model, "__dict__"):
        return model
    twin = object.__new__(type(model))
    twin.__dict__.update(model.__dict__)
    return twin


def _refusal_of_server(lm: Any, model: Any, task: Any, options: Mapping[str, Any]) -> str:
    """Why a server does not give the log-likelihoods of a prompt; '' if it does, or no server is asked.

    Two options of the first question are asked: a server that passes over ``echo`` gives both the likelihood 1,
    which would be a silent zero in every score. With ``--use_cache`` the answers are kept like all others.

    Raises:
        HarnessError: the server cannot be reached, or does not answer for a reason that may pass.
    """
    if not getattr(model, "base_url", None):
        return ""
    try:
        _, doc = next(task.doc_iterator(rank=0, limit=1, world_size=1))
        templated = bool(options.get("apply_chat_template"))
        prompt = task.fewshot_context(
            doc,
            num_fewshot=task.config.num_fewshot or 0,
            system_instruction=options.get("system_instruction"),
            apply_chat_template=templated,
            fewshot_as_multiturn=options.get("fewshot_as_multiturn", False),
            chat_template=getattr(lm, "apply_chat_template", None) if templated else None,
        )
        requests = task.construct_requests(doc, prompt, metadata=(task.task_name, 0, 1))[:2]
        with quiet_requests():
            answers = [likelihood for likelihood, _ in lm.loglikelihood(requests)]
    except CSConvError:
        raise
    except Exception as error:
        if _may_pass(error):
            raise HarnessError(
                f"{task.task_name}: {type(model).__name__} did not answer the request that tries whether it gives "
                f"log-likelihoods ({_words(error)}); nothing was generated yet"
            ) from error
        return _words(error)
    if not any(answers):
        return "it answered a trial with a likelihood of 1 for two options: the server does not heed `echo`"
    return ""


def _may_pass(error: Exception) -> bool:
    """Whether a failed request says nothing of what the server can do."""
    status = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int) and status >= 400:
        return status in _PASSING or (status >= 500 and status != 501)
    return isinstance(error, OSError) or type(error).__module__.startswith("aiohttp")


def _words(error: BaseException) -> str:
    return printable(str(error)[: 4 * _LONGEST], _LONGEST) or type(error).__name__
