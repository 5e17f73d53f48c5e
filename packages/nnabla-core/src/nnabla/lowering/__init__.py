"""From definitions to calls: what runs an operator on a context's backends, prepared once per shape.

For each backend of the context in turn an operator's kernel is taken, else its reference kernel if the backend
has a namespace, else its body, if that backend can run all of it. Bodies and gradients are written out as one
straight-line Python function over kernels, so that running them costs little more than the kernels do.
"""
