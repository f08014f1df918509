"""Making a human evaluation: which replies are rated, who rates them, and the files that raters are given.

May import: the rest of human, judging, results and what is beneath them.
"""
