"""The bounds of a role-play, which its scores and those who play it must agree on: a number, and nothing imported."""

from __future__ import annotations

__all__ = ["MOST_TURNS"]

MOST_TURNS = 25
"""Turns that a supporter has at most: fifty utterances with the customer's, as in RoleCS."""
