"""The databases: what all of them share; `readers` has one file for each."""
