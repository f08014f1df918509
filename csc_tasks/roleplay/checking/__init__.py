"""Is a customer any good? Beside real customers, against who wants to draw it out, and with four known supporters."""
