"""Making room: what may go, what keeps an artifact, and a trash from which everything can be had back."""
