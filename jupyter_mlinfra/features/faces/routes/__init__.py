"""Routes of the feature store: a module for each room."""

from __future__ import annotations

from . import browsing, defining, knowing, labelling, online

ROUTES = {
    **browsing.ROUTES,
    **online.ROUTES,
    **defining.ROUTES,
    **knowing.ROUTES,
    **labelling.ROUTES,
}
