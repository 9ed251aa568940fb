"""Finished runs as one page: tables beside the published figures, plots, and a JSON with every number."""
