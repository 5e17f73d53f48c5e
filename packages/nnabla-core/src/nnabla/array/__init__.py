"""Arrays: buffers, the NdArray over them, and what an array library must supply."""
