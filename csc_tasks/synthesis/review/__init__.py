"""Review by people: what they are shown, and what becomes of what they send back."""
