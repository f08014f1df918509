"""Metrics that a network computes: BERTScore and BLEURT, and what they share.

May import: metrics, and torch and its kin when first used. Nothing of csc_tasks above comes in.
"""
