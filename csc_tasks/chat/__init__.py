"""A client for models at OpenAI-compatible endpoints: asking, pacing, retries, budget, cache and journal.

May import: errors. It knows nothing of what is asked or what becomes of the answers.
"""
