"""Parts of a laboratory's own for perfusio."""
