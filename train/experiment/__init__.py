"""A protocol from folds to figures: run, results, export, evaluation."""
