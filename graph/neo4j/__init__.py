"""The graph on a Neo4j server: filled by batches or by its importer, read through the same store interface."""
