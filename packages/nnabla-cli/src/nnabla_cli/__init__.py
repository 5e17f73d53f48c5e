"""The command line of NNabla; each subcommand is a plugin."""
