"""AHMSA-Net, its checkpoint, and the recogniser that answers with them."""
