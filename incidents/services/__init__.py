"""The verbs that write: each is one function, takes the person, and stands in one transaction."""
