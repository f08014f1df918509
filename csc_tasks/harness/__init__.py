"""What touches lm-eval's insides: its version and messages, the registered stubs, its command line.

May import: errors, and lm-eval. Nothing of conversations or scores comes in.
"""
