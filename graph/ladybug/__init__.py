"""The graph in an embedded Ladybug database: built by COPY, read by a process of its own that can be ended."""
