"""The commands of `ringtrace`, a module for each thing that a user does; `ringtrace.cli` puts them together."""
