"""People read, correct and rate, without a server: one HTML file out, one file of answers back.

A human evaluation is a study (study.py): what is asked and what comes back. May import: judging, results and what is
beneath them. Other forms, such as the review of conversations, belong to who asks them and import this room.
"""
