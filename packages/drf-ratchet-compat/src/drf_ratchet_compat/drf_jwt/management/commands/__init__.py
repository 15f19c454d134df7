"""The commands, each under its name."""
