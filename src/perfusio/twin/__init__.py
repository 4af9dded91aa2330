"""The loop: observe, believe, decide, guard, act, and write each fact down before the next step."""
