"""Folders and workbooks as databases come in: where they lie, and what their cells say."""
