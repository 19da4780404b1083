"""Earlier states of datasets: which one a name means, how two differ, back to one, their end."""
