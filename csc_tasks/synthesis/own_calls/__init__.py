"""One's own calls: read, freed of personal data, filtered, rewritten or labelled."""
