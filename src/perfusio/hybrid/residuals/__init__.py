"""The daily residual of the prior: the step that it enters, its rows and its processes."""
