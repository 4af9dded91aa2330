"""Feeds of cultures, from volumes beside samples or from rates of pumps."""
