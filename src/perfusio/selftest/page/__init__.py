"""Trials of the page: who may call which route, forged requests, guessed passwords, secrets in answers."""
