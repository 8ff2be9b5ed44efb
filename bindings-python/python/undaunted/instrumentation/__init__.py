"""Ready-made hooks for `on_event`. Each module needs its library, and is imported by name: `undaunted.instrumentation.prometheus`."""
