"""How the paper is cited that introduced the task and the data."""

from __future__ import annotations

__all__ = ["BIBTEX"]

BIBTEX = """@misc{csconv,
  title = {Evaluating, Synthesizing, and Enhancing for Customer Support Conversation},
  author = {Jie Zhu and Huaixia Dou and Junhui Li and Lifan Guo and Feng Chen and Chi Zhang and Fang Kong},
  eprint = {2508.04423}, archivePrefix = {arXiv}, year = {2025}
}"""
