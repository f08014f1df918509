"""A language model as judge of runs: live and saved runs, pairs of runs, the probe of the judge itself.

May import: chat, results, data, protocol, metrics. Verdicts are read and scored in metrics/judge.
"""
