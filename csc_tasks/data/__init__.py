"""Data shipped with csconv: the mini conversations and the tiny test model."""
