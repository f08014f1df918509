"""A board, a comparison or a gate report for people and programs: terminal, Markdown, page, figures, export.

May import: board, comparing, metrics. No file of results is read here.
"""
