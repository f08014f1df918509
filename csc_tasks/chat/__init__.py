"""A client for OpenAI-compatible endpoints: asking, pacing, retries, budget, cache and journal.

May import: errors, storage. It knows nothing of judges, rubrics or verdicts.
"""
