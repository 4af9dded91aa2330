"""The sections of experiment.toml and process.toml, and the commands that show them."""
