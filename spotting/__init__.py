"""WHEN is it? The spotting signal, the causal spotter, and scoring as the field scores."""
