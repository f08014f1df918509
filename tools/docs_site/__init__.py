"""The documentation as a site: ``./dev docs``. Reads docs/, README and docstrings; loads nothing from elsewhere."""
