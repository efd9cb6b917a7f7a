"""Other libraries, each used as its documentation does. Imported only where they are measured; may be missing."""
