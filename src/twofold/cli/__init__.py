"""The operator's commands, each working on the data directory with the server down or up."""
