"""Other libraries' names over undaunted's engine. Each module is imported by name: `from undaunted.compat import stamina`."""
