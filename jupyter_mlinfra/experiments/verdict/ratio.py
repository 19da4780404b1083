"""Whether requests were shared between the arms as they should have been."""

from __future__ import annotations

from collections.abc import Sequence

CONCENTRATION = 1000.0
"""Of the prior around the expected shares: as if so many observations had been seen there. More
notices small deviations sooner, less notices large ones sooner.
"""


def ratio_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How well counts fit shares: a p-value that may be looked at after every observation.

    counts: of the arms so far. shares: what was expected of each; they add up to 1. A small value
    means that something lost or moved requests, so that the arms cannot be compared.

    Source: Lindon and Malek (2022), "Anytime-valid inference for multinomial count data": the
    inverse of the Bayes factor of a Dirichlet prior, centred on the shares, against the shares.
    """
    import numpy as np
    from scipy.special import gammaln, xlogy

    seen, prior = np.asarray(counts, dtype=float), CONCENTRATION * np.asarray(shares, dtype=float)
    other = (
        gammaln(prior.sum())
        - gammaln(prior.sum() + seen.sum())
        + (gammaln(prior + seen) - gammaln(prior)).sum()
    )
    expected = xlogy(seen, np.asarray(shares, dtype=float)).sum()
    return float(min(1.0, np.exp(min(0.0, expected - other))))
