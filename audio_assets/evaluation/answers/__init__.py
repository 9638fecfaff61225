"""The answer about a species: which model to use, whether the clips are enough, what to do next."""
