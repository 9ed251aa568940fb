"""Offline: databases, protocol, fitting, report."""
