"""Questions about headers: a unit that can mean two, several columns of one meaning."""
