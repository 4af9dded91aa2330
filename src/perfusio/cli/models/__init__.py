"""Commands on past runs: fit, score, forecast, design, recommend."""
