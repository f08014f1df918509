"""What raters sent back: read, checked, summed up, held against judges, and written as results.

May import: what a study is (human.study and the readers beside it), judging, results and what is beneath them.
"""
