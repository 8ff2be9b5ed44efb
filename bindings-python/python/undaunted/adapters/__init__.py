"""Retrying clients for HTTP libraries. Each module needs its library, and is imported by name: `undaunted.adapters.aiohttp`."""
