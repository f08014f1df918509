"""Pages on which people read, correct and rate, without a server: one HTML file out, one file of answers back.

May import: data, labels, outside, printable. What is asked on a page is its form; who asks imports this room.
"""
