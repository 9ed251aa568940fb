"""From a database's clips to flow maps, kept and resumed."""
