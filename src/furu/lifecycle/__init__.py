"""One artifact: who may compute it, how it is computed, published, waited for and loaded."""
