"""The graph canvas: a thin Streamlit component around the vis-network that pyvis carries."""
