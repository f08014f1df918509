"""Finding personal data in what people say to each other in Chinese: kinds, and one finder for each sort of text.

Knows neither files nor models; ``csc_tasks.synthesis.own_calls.redaction`` puts the finders together.
"""
