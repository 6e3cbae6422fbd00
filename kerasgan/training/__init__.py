"""How networks are fought against each other: one step, several tasks."""
