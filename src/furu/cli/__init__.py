"""The command `furu`: a module for each command, loaded when it is the one that was asked for."""
