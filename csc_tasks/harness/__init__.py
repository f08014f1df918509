"""What touches lm-eval's insides: its version and messages, the registered stubs, its command line.

May import: errors, and lm-eval. Nothing of conversations or scores comes in.
"""

LEFT_OUT = "csconv_left_out"
"""The key of results under which tasks that were left out of a run stand, with the reason."""
