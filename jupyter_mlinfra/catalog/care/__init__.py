"""Care of datasets: where they are, how many files they have, what is not needed any more."""
