"""A customer played by a model at an endpoint: a director who knows the goal, and a customer who is told one step."""
