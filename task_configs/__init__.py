"""lm-eval task and group configurations (YAML only)."""
