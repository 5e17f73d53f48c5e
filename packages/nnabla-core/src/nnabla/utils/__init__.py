"""Public modules around networks: file formats, data, monitors."""
