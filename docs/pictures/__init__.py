"""Pictures of the documentation, drawn from the code: ``python -m docs.pictures``."""
