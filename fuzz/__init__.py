"""Damaged and hostile bytes for every reader of the program: only errors of the tree (`ahmsa.errors`) may come out."""
