"""Case cards made of conversations."""
