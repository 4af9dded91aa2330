"""The first hour: `perfusio init` asks, shows its reading, and writes experiment.toml and process.toml."""
