"""The databases: one file each. `ahmsa/databases/catalogue.py` names them."""
