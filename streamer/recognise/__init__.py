"""The worker that answers candidates, and the hub's link to it."""
