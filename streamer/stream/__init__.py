"""Messages: the public schema, the internal ones, publisher, client."""
