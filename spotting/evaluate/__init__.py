"""How good a spotter is: records, scores, tables, plots."""
